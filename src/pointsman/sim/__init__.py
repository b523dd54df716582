"""A model-server simulator: `engine` is a model in virtual time, the rest is its vLLM face.

Knows nothing of pickers, pools or Envoy: it is what they route to.
"""
