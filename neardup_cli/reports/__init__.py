"""One output format a file: groups and summaries to text, JSON, CSV, tables."""
