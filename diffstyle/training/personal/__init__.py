"""Personal style adapters: from a few pictures by one artist to an adapter in the zoo."""
