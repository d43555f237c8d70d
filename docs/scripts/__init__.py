"""What the documentation takes from the code: tables, pictures, and the hook that fills them in."""
