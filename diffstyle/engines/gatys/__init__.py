"""Neural style transfer by Gram matrices (Gatys et al. 2016)."""
