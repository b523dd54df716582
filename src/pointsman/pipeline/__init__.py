"""The steps of a request: parse, rewrite, candidates, producers, schedule, lease, observe.

`director.py` names the steps and contains no detail. No I/O.
"""
