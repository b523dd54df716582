"""Frozen types and rules of the problem: endpoints, requests, picks, errors.

No I/O, no clock, no event loop, no knowledge of any wire format.
"""
