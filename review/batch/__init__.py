"""Notebooks executed in batches, each run in its own process."""
