from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.apps.goargs import normalised

SWITCHES = {"secure-serving", "tracing"}
VALUED = {"grpc-port", "v"}


def norm(*words: str) -> list[str]:
    return normalised(words, switches=SWITCHES, valued=VALUED)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--grpc-port", "9002"], ["--grpc-port=9002"]),
        (["-grpc-port", "9002"], ["--grpc-port=9002"]),
        (["-grpc-port=9002"], ["--grpc-port=9002"]),
        (["--grpc-port=a=b"], ["--grpc-port=a=b"]),
        (["--grpc-port", "-1"], ["--grpc-port=-1"]),
        (["--grpc-port="], ["--grpc-port="]),
        (["--secure-serving"], ["--secure-serving=true"]),
        (["-secure-serving=false"], ["--secure-serving=false"]),
        (["--secure-serving", "--tracing=0"], ["--secure-serving=true", "--tracing=0"]),
        (["-v=4"], ["--v=4"]),
        (["-v", "4"], ["--v=4"]),
        (["-v4"], ["--v=4"]),
        (["--bogus", "x"], ["--bogus", "x"]),
        (["-h"], ["-h"]),
        (["-"], ["-"]),
        (["--", "-grpc-port", "1"], ["--", "-grpc-port", "1"]),
    ],
)
def test_arguments_are_read_as_go_reads_them(words: list[str], expected: list[str]) -> None:
    assert norm(*words) == expected


def test_a_switch_followed_by_its_value_is_refused_because_go_would_ignore_the_value() -> None:
    with pytest.raises(ValueError, match="write --secure-serving=false"):
        norm("--secure-serving", "false")


def test_a_flag_at_the_end_without_its_value_is_refused() -> None:
    with pytest.raises(ValueError, match="--grpc-port needs a value"):
        norm("--grpc-port")


@given(st.lists(st.sampled_from(["--grpc-port=1", "--secure-serving=true", "x", "--other", "--"])))
def test_normalising_twice_is_normalising_once(words: list[str]) -> None:
    assert norm(*norm(*words)) == norm(*words)
