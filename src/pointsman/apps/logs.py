"""How log lines look: words and key=value, or JSON; the one place that configures logging.

Rooms log with the standard library and name each value in the message: `_log.info("endpoint added
endpoint=%s port=%d", name, port)`. From that the formatters take the fields, so a JSON line has
them under their names and a text line quotes what would break it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

_FIELD = re.compile(r"\s*\b(\w+)=%([-+ #0]*\d*(?:\.\d+)?[a-zA-Z])")
_PERCENT = re.compile(r"%.", re.DOTALL)
_SPECIAL = frozenset(' "=\\')
_VALUE_CHARS_MAX = 2_000
"""No line may be made huge by what a client or a model server sent."""
_CHATTY = ("aiohttp", "asyncio", "httpcore", "httpx", "watchfiles")
"""Libraries that log each request at info; they keep warnings only."""


def configure_logging(level: str, *, log_format: str, stream: TextIO | None = None) -> None:
    """Write all log lines of this process to `stream` (standard error when None).

    `level` is debug, info, warning or error; `log_format` is text or json.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(root.level, logging.WARNING))


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00.000Z INFO pointsman.scrape.poller: endpoint is back endpoint=a`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the stack of an exception below it."""
        message, fields = _parts(record)
        pairs = (f" {name}={_quoted(value)}" for name, value in fields.items())
        line = f"{_when(record)} {record.levelname} {record.name}: {message}{''.join(pairs)}"
        return f"{line}\n{stack}" if (stack := _stack(self, record)) else line


class JsonFormatter(logging.Formatter):
    """One JSON object with time, level, logger, message, the fields, and the stack if any."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        message, fields = _parts(record)
        line: dict[str, object] = {
            "time": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        for name, value in fields.items():
            line.setdefault(name, _jsonable(value))
        if stack := _stack(self, record):
            line["stack"] = stack
        return json.dumps(line, ensure_ascii=False)


def _parts(record: logging.LogRecord) -> tuple[str, dict[str, object]]:
    """The words of a message, and its `name=%s` fields with the values given for them."""
    text, values = str(record.msg), record.args
    if not isinstance(values, tuple) or _conversions(text) != len(values):
        return _one_line(record.getMessage()), {}
    fields: dict[str, object] = {}
    others = list(values)
    for match in reversed(list(_FIELD.finditer(text))):
        position = _conversions(text[: match.start()])
        fields[match[1]] = _shown(match[2], others.pop(position))
        text = text[: match.start()] + text[match.end() :]
    message = text % tuple(others) if others else text.replace("%%", "%")
    return _one_line(message), dict(reversed(fields.items()))


def _conversions(text: str) -> int:
    """How many values a format string takes; `%%` takes none."""
    return sum(found != "%%" for found in _PERCENT.findall(text))


def _shown(conversion: str, value: object) -> object:
    """The value as the message would show it, except that numbers and truth stay what they are."""
    if isinstance(value, bool):
        return value
    text = f"%{conversion}" % (value,)
    if not isinstance(value, int | float):
        return text
    try:
        number = float(text)
    except ValueError:
        return text
    return int(text) if text.lstrip("-").isdigit() else number


def _quoted(value: object) -> str:
    text = str(value)[:_VALUE_CHARS_MAX]
    if text and text.isprintable() and _SPECIAL.isdisjoint(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _jsonable(value: object) -> str | int | float | bool:
    return value if isinstance(value, int | float | bool) else str(value)[:_VALUE_CHARS_MAX]


def _one_line(text: str) -> str:
    return " ".join(text[: _VALUE_CHARS_MAX * 2].splitlines())


def _when(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _stack(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
