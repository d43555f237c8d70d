"""What the documentation takes from the code: tables, pictures, and the hook that puts them into the pages."""
