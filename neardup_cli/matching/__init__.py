"""The funnel's decisions: arrays and indexes in, matches and groups out."""
