"""The atlas of exemplars: what words are painted from."""
