from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.lib.quantities import parse_bytes, parse_share


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("65536", 65536),
        ("10MiB", 10 * 1024**2),
        ("10Mi", 10 * 1024**2),
        ("25MB", 25_000_000),
        ("25M", 25_000_000),
        ("1k", 1000),
        ("1.5Ki", 1536),
        (" 2GiB ", 2 * 1024**3),
        ("8B", 8),
    ],
)
def test_sizes_are_read_as_kubernetes_writes_them(text: str, expected: int) -> None:
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1i", "1 MiB", "1Pi", "1e3", "0.5", "1.0001k"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"bytes|size"):
        parse_bytes(text)


@given(st.integers(min_value=0, max_value=2**50))
def test_a_plain_number_is_itself(number: int) -> None:
    assert parse_bytes(str(number)) == number


@pytest.mark.parametrize(
    ("text", "expected"), [("5%", 0.05), ("0.05", 0.05), ("100%", 1), ("0", 0)]
)
def test_a_share_is_a_percentage_or_a_fraction(text: str, expected: float) -> None:
    assert parse_share(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "%", "5", "-1%", "101%", "nan", "x"])
def test_what_is_not_a_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"share|between"):
        parse_share(text)
