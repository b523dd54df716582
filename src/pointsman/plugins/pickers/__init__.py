"""Pickers: choose from scored endpoints."""
