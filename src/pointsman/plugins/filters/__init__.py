"""Filters: rule endpoints out."""
