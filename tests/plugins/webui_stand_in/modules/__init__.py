"""The part of the web UIs that plugins/webui uses: README.md says what it is."""
