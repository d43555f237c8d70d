"""From groups of copies to a plan, and from a plan to acts that can be undone."""
