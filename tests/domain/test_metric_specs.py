from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.metric_specs import MetricSpec, parse_metric_spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vllm:num_requests_waiting", MetricSpec("vllm:num_requests_waiting")),
        ("  m  ", MetricSpec("m")),
        ("m{}", MetricSpec("m")),
        ("m { }", MetricSpec("m")),
        ("m{a=b}", MetricSpec("m", (("a", "b"),))),
        ('m{a="b c", d = e ,}', MetricSpec("m", (("a", "b c"), ("d", "e")))),
        ("m{a=}", MetricSpec("m", (("a", ""),))),
        ('m{a="x,y={}"}', MetricSpec("m", (("a", "x,y={}"),))),
        ("m{__name__=x,a=b}", MetricSpec("m", (("a", "b"),))),
    ],
)
def test_a_spec_is_a_name_and_labels_that_must_be_equal(text: str, expected: MetricSpec) -> None:
    assert parse_metric_spec(text) == expected


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_spec_switches_the_metric_off(text: str) -> None:
    assert parse_metric_spec(text) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{a=b}", "no metric name"),
        ("9m", "no metric name"),
        ("a-b", "no metric name"),
        ("m{a!=b}", "'a!=b' is not label=value"),
        ("m{a=~b}", "'a=~b' is not label=value"),
        ("m{a=b c=d}", "'a=b c=d' is not label=value"),
        ('m{a="b}', "is not label=value"),
        ("m{a}", "'a' is not label=value"),
        ("m{a=b", "not a metric spec"),
        ("m{a=b} x", "not a metric spec"),
        ("m n", "not a metric spec"),
    ],
)
def test_what_is_no_spec_is_refused_with_the_part_that_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_metric_spec(text)


@given(
    name=st.from_regex(r"[a-z_:][a-z0-9_:]*", fullmatch=True),
    labels=st.dictionaries(
        st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True),
        st.from_regex(r"[A-Za-z0-9_./:-]*", fullmatch=True),
    ),
)
def test_a_written_spec_reads_back(name: str, labels: dict[str, str]) -> None:
    spec = MetricSpec(name, tuple(labels.items()))

    assert parse_metric_spec(str(spec)) == spec


def test_a_spec_matches_series_that_have_its_labels_and_more() -> None:
    spec = MetricSpec("m", (("a", "b"),))

    assert spec.matches({"a": "b", "c": "d"})
    assert not spec.matches({"a": "x"})
    assert not spec.matches({})
