from __future__ import annotations

import json

import pytest

from pointsman.sim import errors
from sim.transcripts import transcript


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("err-unknown-model", errors.unknown_model("nope", "tiny-llama")),
        ("err-bad-json", errors.bad_json(b'{"model":')),
        ("err-missing-messages", errors.missing("messages", {"model": "tiny-llama"})),
        ("err-context-too-long", errors.prompt_too_long(2049, 2048)),
    ],
)
def test_an_error_is_vllms_to_the_letter(name: str, error: errors.ApiError) -> None:
    recorded = transcript(name)
    assert error.status == recorded.status
    assert error.body.decode() == recorded.body


def test_a_full_queue_reads_as_in_the_burst_that_was_recorded() -> None:
    assert json.loads(errors.queue_full().body) == {
        "error": {
            "message": "The engine is currently busy and cannot accept new requests. Please try "
            "again later or on a different instance.",
            "type": "Service Unavailable",
            "param": None,
            "code": 503,
        }
    }


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe", b"[" * 100_000, b"nul", b'{"a": 1e999}x'])
def test_any_broken_body_gets_an_error_that_can_be_read(raw: bytes) -> None:
    error = errors.bad_json(raw)
    assert error.status == 400
    assert json.loads(error.body)["error"]["param"].startswith("body.")


def test_the_output_that_does_not_fit_is_named_with_its_sum() -> None:
    error = errors.output_too_long(2000, 100, context_tokens_max=2048)
    assert "a total of at least 2100 tokens" in str(error)
    assert json.loads(error.body)["error"]["param"] == "input_tokens"
