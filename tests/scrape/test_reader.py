from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from pointsman.scrape.reader import read_series

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.prom"))

# Each is a prefix, a suffix or a part of another one.
NAMES = ["q", "qq", "q_q", "q_total", "vllm:q", "vllm:q_waiting", "vllm:q_waiting_by_reason", "a:q"]

blanks = st.sampled_from([" ", "\t", "  ", " \t "])
maybe_blanks = st.sampled_from(["", "", " ", "\t"])
label_names = st.sampled_from(["a", "b", "engine", "a_b", "_x", "Q9"])
label_values = st.text(
    st.one_of(
        st.sampled_from(list('\\"\n,={}# q')),
        st.characters(exclude_categories=["Cs"], exclude_characters="\n"),
    ),
    max_size=12,
)
label_sets = st.dictionaries(label_names, label_values, max_size=4)
commas = st.sampled_from([",", ", ", " ,"])
numbers = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(["+Inf", "-Inf", "NaN", "1e3", "1.5E-3", "+2.5", ".5", "1.7955577812600e+09"]),
)
prose = st.text(st.sampled_from("q :vlm_waiting{}#=,.1"), max_size=30)


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


@st.composite
def sample_lines(draw: st.DrawFn, name: str) -> str:
    labels = draw(label_sets)
    comma = draw(commas)
    inside = comma.join(f'{key}="{escaped(value)}"' for key, value in labels.items())
    if inside:
        inside += draw(st.sampled_from(["", ","]))
    has_braces = bool(labels) or draw(st.sampled_from([True, False]))
    braces = "{" + draw(maybe_blanks) + inside + "}" if has_braces else ""
    timestamp = draw(st.one_of(st.just(""), st.integers(0, 2**45).map(lambda ms: f" {ms}")))
    indent, gap = draw(maybe_blanks), draw(maybe_blanks) if braces else ""
    return (
        f"{indent}{name}{gap}{braces}{draw(blanks)}{draw(numbers)}{timestamp}{draw(maybe_blanks)}"
    )


@st.composite
def family_lines(draw: st.DrawFn) -> list[str]:
    name = draw(st.sampled_from(NAMES))
    lines = []
    if draw(st.booleans()):
        lines.append(f"# HELP {name} {draw(prose)}")
    if draw(st.booleans()):
        lines.append(f"# TYPE {name} {draw(st.sampled_from(['gauge', 'untyped']))}")
    lines += draw(st.lists(sample_lines(name), max_size=3))
    if draw(st.booleans()):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(["", "  ", "# q 1"])))
    return lines


@st.composite
def pages(draw: st.DrawFn) -> str:
    families = draw(st.lists(family_lines(), max_size=6))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    page = ending.join(line for family in families for line in family)
    return page + draw(st.sampled_from(["", ending]))


def readable(found: list[tuple[dict[str, str], float]]) -> list[tuple[dict[str, str], str]]:
    """Numbers as text, so that NaN equals NaN."""
    return [(labels, repr(float(value))) for labels, value in found]


def by_reader(page: bytes, name: str) -> list[tuple[dict[str, str], str]]:
    return readable([(series.labels(), series.value) for series in read_series(page, name)])


@given(page=pages())
def test_it_finds_what_the_complete_parser_finds(page: str) -> None:
    samples = [
        sample for family in text_string_to_metric_families(page) for sample in family.samples
    ]
    for name in NAMES:
        expected = readable([(s.labels, s.value) for s in samples if s.name == name])
        assert by_reader(page.encode(), name) == expected


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_it_finds_every_series_of_a_real_page(path: Path) -> None:
    text = path.read_text()
    samples = [
        sample for family in text_string_to_metric_families(text) for sample in family.samples
    ]
    # The parser appends `_total` to counters that lack it; those names are not on the page.
    names = {sample.name for sample in samples if sample.name in text}
    assert names
    for name in names:
        expected = readable([(s.labels, s.value) for s in samples if s.name == name])
        assert by_reader(path.read_bytes(), name) == expected


def test_exemplars_and_timestamps_of_openmetrics_are_passed_over() -> None:
    page = (
        "# TYPE q counter\n"
        'q_total{a="b"} 7.0 1700000000.5 # {trace_id="q_total{} 9"} 3.0 1700000000.0\n'
        "# TYPE g gauge\n"
        "g 2.5 1700000000.123\n"
        "# EOF\n"
    )
    samples = [
        sample
        for family in openmetrics_families(page)  # type: ignore[no-untyped-call]  # its library has no annotation here
        for sample in family.samples
    ]

    for name in ("q_total", "g"):
        expected = readable([(s.labels, s.value) for s in samples if s.name == name])
        assert by_reader(page.encode(), name) == expected


@given(page=st.binary(max_size=200), name=st.sampled_from(NAMES))
def test_bytes_that_are_no_metrics_never_raise(page: bytes, name: str) -> None:
    for series in read_series(b"q " + page + b"\nq{" + page + b"} 1", name):
        assert isinstance(series.value, float)
        series.labels()


@given(page=pages(), cut=st.integers(0, 400), name=st.sampled_from(NAMES))
def test_a_page_cut_short_yields_a_beginning_of_its_series(page: str, cut: int, name: str) -> None:
    whole, part = by_reader(page.encode(), name), by_reader(page.encode()[:cut], name)

    # The last line may have lost digits of its value, or an exponent; all before it are whole.
    assert part[:-1] == whole[: max(0, len(part) - 1)]


@pytest.mark.parametrize(
    "line",
    [
        "q",
        "q ",
        "q1 1",
        "q 1_000",
        "q one",
        'q{a="b} 1',
        'q{a="b"',
        'xq{a="b"} 1',
        "x q 1",
        '# HELP q{a="b"} 1',
        'x{a="q 1"} 1',
    ],
)
def test_a_line_that_is_no_sample_of_it_is_passed_over(line: str) -> None:
    assert read_series(f"{line}\nq 5\n".encode(), "q") == read_series(b"q 5", "q")


def test_a_label_inside_a_quoted_text_is_not_seen() -> None:
    (series,) = read_series(b'q{a="x,b=",b="y",c="b=\\"z\\""} 1', "q")

    assert series.labels() == {"a": "x,b=", "b": "y", "c": 'b="z"'}


def test_text_that_is_not_utf8_is_kept_readable() -> None:
    (series,) = read_series(b'q{a="\xff"} 1', "q")

    assert series.labels() == {"a": "\ufffd"}


@pytest.mark.parametrize(
    "page",
    [
        b"q " * 200_000,
        b" q 1 " * 100_000,
        b"q{" + b"a" * 400_000 + b"} 1",
        b'q{a="' + b"\\" * 400_000,
    ],
    ids=["names", "blanks", "label", "escapes"],
)
def test_a_hostile_page_takes_time_in_proportion_to_its_size(page: bytes) -> None:
    """A quadratic search would run for minutes here, into the test's time limit."""
    for series in read_series(page, "q"):
        series.labels()
        assert math.isfinite(series.value)
