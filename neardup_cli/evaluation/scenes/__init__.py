"""Painters of scenes: what `neardup_cli.evaluation.photos` takes its pictures of."""
