"""What `--serve` prints names the gateway it has really started."""

from __future__ import annotations

from pointsman.apps.demo.serve import instructions
from pointsman.apps.demo.stack import Stack, endpoints_document
from pointsman.domain.endpoints import Address

STACK = Stack(
    url="http://127.0.0.1:8080",
    endpoints=(Address("127.0.0.1", 4001), Address("127.0.0.1", 4002)),
    picker_url="http://127.0.0.1:9090",
    pids={},
)


def test_both_snippets_ask_the_gateway() -> None:
    text = instructions(STACK)
    assert "curl -sN http://127.0.0.1:8080/v1/chat/completions" in text
    assert 'base_url="http://127.0.0.1:8080/v1"' in text
    assert "127.0.0.1:4001 127.0.0.1:4002" in text


def test_the_pool_is_written_in_upstreams_format() -> None:
    """Ports are texts there."""
    text = endpoints_document(STACK.endpoints)
    assert "port: '4001'" in text
    assert "name: server-2" in text
