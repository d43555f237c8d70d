"""The operations of the API, a subject a file."""
