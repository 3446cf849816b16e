"""The painter: a photo rebuilt from the marks of a picture (Neural Neighbor Style Transfer, Kolkin et al. 2022)."""
