"""The small trainable parts that condition a host network on a style."""
