"""The preview engine: feed-forward AdaIN, fast enough for a slider."""
