"""Measuring the funnel: synthetic pictures, edited copies, metrics."""
