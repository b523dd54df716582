"""The APIs that a simulated vLLM speaks: one module each, body to `Ask` and tokens to bytes.

Pure: no I/O, no loop. Nothing here knows how long anything takes.
"""
