"""Producers: find something out before filters and scorers run."""
