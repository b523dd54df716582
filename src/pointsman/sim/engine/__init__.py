"""A model of an inference engine in virtual time: what vLLM's scheduler and KV cache would do.

No I/O, no event loop, no clock, no chance: the same calls always give the same steps. Knows
nothing of HTTP or of text; a token is four bytes.
"""
