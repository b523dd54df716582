"""Pointsman picks the right model server for every LLM inference request.

Importing this package does nothing; the rooms are described in docs/architecture.md.
"""

__version__ = "0.1.0"
