"""Training of the painter's decoder: `python -m diffstyle.training.nnst --data FOLDER --out FOLDER --until 13:50`."""
