"""The engine of a decision: filters, weighted scorers, a picker. Pure; knows no plugin by name."""
