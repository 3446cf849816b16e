"""Serving renders to many: the gates before the models, and the HTTP server."""
