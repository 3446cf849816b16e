"""Style adapters: small trained networks that turn a style embedding into what an engine needs."""
