"""Scorers: say how good each endpoint is."""
