"""One story a file: scan, dups, query, compare, status, doctor."""
