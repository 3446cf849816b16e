"""Style transfer by the Wasserstein distance of Gaussians."""
