"""The configuration document: from a text to a plan of typed, resolved parts, or to every error.

Knows plugins only through the catalog it is handed; reads no file and starts nothing.
"""
