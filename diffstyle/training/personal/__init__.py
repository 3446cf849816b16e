"""Personal style adapters: from a handful of pictures to an adapter in the zoo."""
