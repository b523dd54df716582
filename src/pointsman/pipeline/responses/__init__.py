"""Response readers: usage and token events out of response bytes, in pieces of any size.

State machines without I/O or clock. A response is only watched, never changed: nothing here raises
on any input, and memory does not grow with the response.
"""
