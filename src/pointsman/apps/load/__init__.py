"""Realistic load against one OpenAI-compatible address: what to send, sending it, what came back.

`text` and `workload` are pure and seeded; `stream` reads a response without I/O; `driver` is the
only module that waits. Knows nothing of the picker: it would measure any gateway.
"""
