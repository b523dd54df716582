"""Finds the series of one metric in a page of Prometheus text, without parsing the rest.

An engine's page is 50 to 90 KB and we need six of its hundreds of series, so the page is searched
for names instead of being split into lines. Both the Prometheus text format and OpenMetrics are
read; of the latter's additions, timestamps and exemplars are skipped. Quoted (UTF-8) metric names
are not looked for: no engine uses them.

Knows nothing of engines, and never raises: a line that cannot be read is as if it were absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTED = rb'"([^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"'
_AFTER_NAME = re.compile(
    # {labels}, where a brace may stand inside quotes; or at least one blank that ends the name
    rb"(?:[ \t]*\{(?P<labels>[^\"}\n]*+(?:" + _QUOTED + rb"[^\"}\n]*+)*+)\}[ \t]*|[ \t]+)"
    rb"(?P<value>[^\s#]++)"  # a timestamp or exemplar after it does not matter
)
# The name is optional so that a misplaced quoted text is passed over whole, never looked into.
_LABEL = re.compile(rb"(?:(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_]*+)\s*=\s*)?" + _QUOTED)
_NEWLINE = 0x0A
_INDENT_BYTES_MAX = 64  # a limit, so that a hostile page cannot make the search quadratic
_ESCAPE = re.compile(rb'\\([\\n"])')


@dataclass(frozen=True, slots=True)
class Series:
    """One sample line: its labels, still as they were written, and its value."""

    labels_text: bytes
    value: float

    def labels(self) -> dict[str, str]:
        """The labels, unescaped."""
        return {
            name.decode("ascii"): _unescaped(quoted)
            for name, quoted in _LABEL.findall(self.labels_text)
            if name
        }


def read_series(page: bytes, name: str) -> list[Series]:
    """Every series of the metric `name`, in the page's order; empty if there is none.

    The name is that of the sample line: `x_total`, not `x`, for a counter of OpenMetrics.
    """
    needle = name.encode("ascii")
    found = []
    position = page.find(needle)
    while position >= 0:
        end = position + len(needle)
        if _starts_a_line(page, position):
            rest = _AFTER_NAME.match(page, end)
            if rest is not None and (value := _number(rest["value"])) is not None:
                found.append(Series(rest["labels"] or b"", value))
        position = page.find(needle, end)
    return found


def _starts_a_line(page: bytes, position: int) -> bool:
    """Only blanks precede: the rest is comments, other names' tails and label values."""
    if position == 0 or page[position - 1] == _NEWLINE:
        return True
    start = max(0, position - _INDENT_BYTES_MAX)
    before = page[start:position].rstrip(b" \t\r\v\f")
    return before.endswith(b"\n") or (start == 0 and not before)


def _number(text: bytes) -> float | None:
    if b"_" in text:  # Python's grammar allows 1_000, Prometheus' does not
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _unescaped(text: bytes) -> str:
    if b"\\" in text:
        text = _ESCAPE.sub(lambda escape: b"\n" if escape[1] == b"n" else escape[1], text)
    return text.decode("utf-8", "replace")
