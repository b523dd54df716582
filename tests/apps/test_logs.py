from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.apps.logs import JsonFormatter, TextFormatter, configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator


def record(message: str, *values: object, failed: bool = False) -> logging.LogRecord:
    error = (RuntimeError, RuntimeError("boom"), None) if failed else None
    made = logging.LogRecord("pointsman.room", logging.INFO, "f.py", 1, message, values, error)
    made.created = 1_700_000_000.25
    return made


def test_a_text_line_has_time_level_room_words_and_fields() -> None:
    line = TextFormatter().format(record("endpoint added endpoint=%s port=%d", "a", 80))
    assert line == (
        "2023-11-14T22:13:20.250Z INFO pointsman.room: endpoint added endpoint=a port=80"
    )


def test_a_text_value_that_could_be_read_as_two_is_quoted() -> None:
    line = TextFormatter().format(record("endpoint is gone reason=%s", 'no route=1\nINFO "x"'))
    assert line.endswith(r'endpoint is gone reason="no route=1\nINFO \"x\""')


def test_a_json_line_has_the_fields_under_their_names_and_types() -> None:
    line = json.loads(JsonFormatter().format(record("scraped endpoint=%s took_s=%s", "a", 0.5)))
    assert line == {
        "time": "2023-11-14T22:13:20.250Z",
        "level": "info",
        "logger": "pointsman.room",
        "message": "scraped",
        "endpoint": "a",
        "took_s": 0.5,
    }


def test_a_number_is_rounded_as_its_message_rounds_it() -> None:
    formatted = record("took ms=%.1f timeout_s=%g on=%s share=%d", 1.26, 30.0, True, 2)
    line = json.loads(JsonFormatter().format(formatted))
    assert [line[name] for name in ("ms", "timeout_s", "on", "share")] == [1.3, 30, True, 2]
    assert TextFormatter().format(formatted).endswith("took ms=1.3 timeout_s=30 on=True share=2")


def test_a_json_line_begins_with_when_and_what() -> None:
    line = JsonFormatter().format(record("scraped endpoint=%s", "a"))
    assert line.startswith('{"time": "2023-11-14T22:13:20.250Z", "level": "info", "logger": ')


def test_a_field_cannot_hide_the_level_or_the_time() -> None:
    line = json.loads(JsonFormatter().format(record("odd level=%s", "fatal")))
    assert line["level"] == "info"


def test_values_without_a_name_stay_in_the_words() -> None:
    line = json.loads(
        JsonFormatter().format(record("read %d of %d bytes from=%s 100%%", 1, 2, "x"))
    )
    assert (line["message"], line["from"]) == ("read 1 of 2 bytes 100%", "x")


def test_an_exception_brings_its_stack() -> None:
    assert (
        "RuntimeError: boom"
        in json.loads(JsonFormatter().format(record("bug", failed=True)))["stack"]
    )
    assert TextFormatter().format(record("bug", failed=True)).endswith("RuntimeError: boom")


@given(value=st.text(max_size=5_000), fmt=st.sampled_from([TextFormatter, JsonFormatter]))
def test_whatever_a_value_holds_it_is_one_bounded_line(
    value: str, fmt: type[logging.Formatter]
) -> None:
    line = fmt().format(record("seen by=%s", value))
    assert "\n" not in line
    assert "\r" not in line
    assert len(line) < 15_000


@given(st.text(max_size=500))
def test_a_text_line_cannot_be_broken_or_coloured_by_a_value(value: str) -> None:
    """No control character of any kind gets through to a terminal."""
    assert TextFormatter().format(record("seen by=%s", value)).isprintable()


@given(words=st.text(max_size=50), values=st.lists(st.integers() | st.text(max_size=5), max_size=3))
def test_what_the_standard_library_can_format_so_can_we(words: str, values: list[object]) -> None:
    try:
        record(words, *values).getMessage()
    except (TypeError, ValueError, KeyError):
        return
    assert TextFormatter().format(record(words, *values))


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    chatty = logging.getLogger("httpx")
    chatty_level = chatty.level
    yield root
    root.handlers[:], root.level = handlers, level
    chatty.setLevel(chatty_level)


def test_debug_shows_our_lines_and_not_each_request_of_the_http_client(
    root_logger: logging.Logger,
) -> None:
    stream = io.StringIO()
    configure_logging("debug", log_format="text", stream=stream)
    logging.getLogger("pointsman.x").debug("hello")
    logging.getLogger("httpx").info("HTTP Request: GET /metrics")
    assert "hello" in stream.getvalue()
    assert "HTTP Request" not in stream.getvalue()
