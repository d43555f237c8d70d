"""Where much is done at once, for a scan or a join."""
