"""Where the map step of a scan runs."""
