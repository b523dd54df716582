from __future__ import annotations

import contextlib
import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pointsman.config.findings import ConfigError
from pointsman.config.text import DEPTH_MAX, TEXT_BYTES_MAX, VALUES_MAX, read_text

KEYS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
TEXTS = st.text(st.characters(codec="utf-8")).filter(
    lambda text: not re.fullmatch(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+", text)
)  # numbers to Go, but texts to the library that writes them here
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
)


@given(VALUES)
def test_json_reads_as_json(value: object) -> None:
    text = json.dumps({"key": value}, indent="\t")
    assert read_text(text) == ({"key": value}, read_text(text)[1])


@given(st.dictionaries(KEYS, VALUES, min_size=1))
def test_yaml_reads_as_it_was_written(value: object) -> None:
    text = yaml.safe_dump(value)
    assert read_text(text)[0] == value


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but ConfigError comes out, whatever goes in."""
    with contextlib.suppress(ConfigError):
        read_text(text)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e3", 1000.0),
        ("2.5e-1", 0.25),
        ("'1e3'", "1e3"),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("0x10", 16),
        ("on", True),
        ("~", None),
        ("'5'", "5"),
        (".inf", float("inf")),
    ],
)
def test_scalars_mean_what_go_takes_them_for(written: str, value: object) -> None:
    read = read_text(f"key: {written}")[0]
    assert read == {"key": value}
    assert isinstance(read, dict)
    assert type(read["key"]) is type(value)


def test_every_value_knows_its_line() -> None:
    _, findings = read_text("a: 1\nb:\n  - c: 2\n    d:\n      - 3\n      - 4\n")
    assert findings.lines == {
        (): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 0, "c"): 3, ("b", 0, "d"): 4,
        ("b", 0, "d", 0): 5, ("b", 0, "d", 1): 6,
    }  # fmt: skip


def test_a_duplicate_key_is_a_problem_with_its_line() -> None:
    _, findings = read_text("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert [str(problem) for problem in findings.problems] == [
        "a.b: this key stands twice (line 4)"
    ]
    _, findings = read_text('{"a": {"b": 1, "b": 2}}')
    assert [str(problem) for problem in findings.problems] == ["key 'b' stands twice in one object"]


def test_aliases_and_merges_are_followed() -> None:
    text = "base: &base {x: 1, y: 2}\nused:\n  <<: *base\n  y: 3\nmany:\n  <<: [*base, {z: 4}]\n"
    value, findings = read_text(text)
    assert not findings.problems
    assert value == {
        "base": {"x": 1, "y": 2},
        "used": {"x": 1, "y": 3},
        "many": {"x": 1, "y": 2, "z": 4},
    }


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [1\nb: 2\n", "not valid YAML: .* \\(line 2\\)"),
        ("a: 1\n---\nb: 2\n", "not valid YAML"),
        ("\x00", "not valid YAML"),
        ("a: *nobody\n", "not valid YAML: found undefined alias"),
        ("a: &a [*a]\n", f"nested deeper than {DEPTH_MAX}"),
        ('{"a": ' * 70 + "1" + "}" * 70, f"nested deeper than {DEPTH_MAX}"),
        ('{"a": ' * 9_000 + "1" + "}" * 9_000, f"nested deeper than {DEPTH_MAX}"),
        ("[" * 3_000, f"nested deeper than {DEPTH_MAX}|not valid YAML"),
        ("x" * (TEXT_BYTES_MAX + 1), f"larger than {TEXT_BYTES_MAX} bytes"),
        (
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(
                f"{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n"
                for a, b in zip("abcde", "bcdef", strict=True)
            ),
            f"more than {VALUES_MAX} values",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_one_line(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint) as caught:
        read_text(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: !!binary aGk=\n", "a: tag !!binary is not allowed (line 1)"),
        ("a: !mine 5\n", "a: tag !mine is not allowed (line 1)"),
        ("? [1]\n: 2\n", "a key must be a text"),
        ('a: "\\ud800"\n', "a: not valid Unicode (line 1)"),
        ("a:\n  <<: 5\n", 'a["<<"]: only mappings can be merged (line 2)'),
    ],
)
def test_what_json_cannot_say_is_a_problem(text: str, complaint: str) -> None:
    _, findings = read_text(text)
    assert complaint in [str(problem) for problem in findings.problems]


@pytest.mark.parametrize("opening", ['{"a": ', "{a: "])
def test_the_deepest_document_is_read(opening: str) -> None:
    text = opening * DEPTH_MAX + "1" + "}" * DEPTH_MAX
    assert not read_text(text)[1].problems


def test_nothing_is_nothing() -> None:
    assert read_text("")[0] is None
    assert read_text("# a comment\n")[0] is None
