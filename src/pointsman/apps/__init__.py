"""Composition roots: one file per command builds everything and runs it. The only place that knows all."""
