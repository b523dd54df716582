"""Composition roots: one file per command builds everything and runs it. Knows all the rooms."""
