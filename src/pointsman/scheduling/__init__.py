"""The engine of a decision: filters, weighted scorers, one picker. Pure; knows no plugin by name."""
