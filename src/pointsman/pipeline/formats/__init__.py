"""Request formats: the bytes of each API in, what a pick needs to know out.

Pure functions of path and body. Knows no headers, no endpoints, no rewrite rules; reads only what
is needed and leaves every other field to the model server.
"""
