"""The preview network, the statistics adapter that belongs to it, and the named styles that it measures."""
