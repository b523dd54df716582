from __future__ import annotations

import pytest
from pydantic import ValidationError

from pointsman.api.catalog import decode
from pointsman.plugins.producers.tokens import TokenConfig, TokenProducer


def test_a_backend_is_accepted_and_remarked_upon() -> None:
    config = decode(TokenProducer, {"modelName": "m", "vllm": {"url": "http://x", "timeout": "9s"}})
    assert isinstance(config, TokenConfig)
    assert "no tokenizer is asked" in TokenProducer.remarks(config)[0]
    assert TokenProducer.remarks(TokenConfig()) == ()


def test_two_backends_are_rejected() -> None:
    with pytest.raises(ValidationError, match="only one of estimate and vllm can be set"):
        decode(TokenProducer, {"vllm": {}, "estimate": {}})
