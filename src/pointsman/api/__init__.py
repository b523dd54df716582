"""What a plugin is, what it sees and what it is handed; the catalog that finds plugins.

A plugin author needs this package, `domain` and numpy, and nothing else.
"""
