"""Three real vLLM servers behind the picker and Envoy; asked for with `make e2e-vllm` only.

`install.py` and `make_model.py` are scripts; the second runs in vLLM's own virtual environment,
which shares nothing with ours.
"""
