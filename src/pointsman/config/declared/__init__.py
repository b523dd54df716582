"""Plugin types that documents name and other rooms do the work for: their parameters, typed.

The catalog finds these classes like any plugin; nobody constructs them.
"""
