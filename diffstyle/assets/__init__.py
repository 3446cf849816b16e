"""What is on disk: shipped weights, public models, named styles, adapters."""
