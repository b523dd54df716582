from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pointsman.discovery.document import EndpointsFileError, parse_endpoints
from pointsman.domain.endpoints import Address, Endpoint

UPSTREAM_S_EXAMPLE = """
endpoints:
- name: vllm-0            # identity within the namespace
  namespace: inference
  address: "10.0.0.1"
  port: "8000"
  labels: {role: decode}
- name: vllm-1
  address: "10.0.0.2"
  port: "8000"
"""


def problems_of(text: str | bytes) -> list[str]:
    with pytest.raises(EndpointsFileError) as caught:
        parse_endpoints(text)
    return list(caught.value.problems)


def one(**fields: object) -> str:
    entry = {"name": "a", "address": "10.0.0.1", "port": "8000", **fields}
    return json.dumps({"endpoints": [{k: v for k, v in entry.items() if v is not None}]})


def test_upstream_s_example_is_read() -> None:
    first, second = parse_endpoints(UPSTREAM_S_EXAMPLE)

    assert first == Endpoint("vllm-0", Address("10.0.0.1", 8000), "inference", {"role": "decode"})
    assert second == Endpoint("vllm-1", Address("10.0.0.2", 8000), "default", {})
    assert (first.id, second.id) == ("inference/vllm-0", "default/vllm-1")


def test_json_is_read_also_when_tabs_indent_it() -> None:
    text = json.dumps(yaml.safe_load(UPSTREAM_S_EXAMPLE), indent="\t")

    assert parse_endpoints(text) == parse_endpoints(UPSTREAM_S_EXAMPLE)


def test_yaml_that_begins_with_a_brace_is_read() -> None:
    assert parse_endpoints("{endpoints: [{name: a, address: 10.0.0.1, port: 80}]}")


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        ("10.0.0.1", "10.0.0.1:8000"),
        ("fd00::1", "[fd00::1]:8000"),
        ("FD00:0:0::0001", "[fd00::1]:8000"),
    ],
)
def test_both_families_of_addresses_are_read(address: str, authority: str) -> None:
    (endpoint,) = parse_endpoints(one(address=address))

    assert endpoint.address.authority == authority


@pytest.mark.parametrize("port", ["8000", 8000, 1, "65535"])
def test_a_port_may_be_a_string_or_a_number(port: str | int) -> None:
    (endpoint,) = parse_endpoints(one(port=port))

    assert endpoint.address.port == int(port)


def test_no_endpoints_and_unknown_keys_are_fine() -> None:
    assert parse_endpoints("endpoints: []\nversion: 7\n") == ()
    assert parse_endpoints(one(weight=3, labels=None))[0].labels == {}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": None}, "endpoints[0].name: is missing"),
        ({"name": ""}, "endpoints[0].name: '' is empty or has a blank or slash in it"),
        ({"name": "a/b"}, "endpoints[0].name: 'a/b' is empty or has a blank or slash in it"),
        ({"name": "a b"}, "endpoints[0].name: 'a b' is empty or has a blank or slash in it"),
        ({"name": 7}, "endpoints[0].name: must be a string, not 7"),
        ({"namespace": ""}, "endpoints[0].namespace: '' is empty or has a blank or slash in it"),
        ({"address": None}, "endpoints[0].address: is missing"),
        ({"address": 7}, "endpoints[0].address: 7 is not an IPv4 or IPv6 address"),
        ({"address": "host"}, "endpoints[0].address: 'host' is not an IPv4 or IPv6 address"),
        ({"address": "1.2.3"}, "endpoints[0].address: '1.2.3' is not an IPv4 or IPv6 address"),
        ({"address": "[::1]"}, "endpoints[0].address: '[::1]' is not an IPv4 or IPv6 address"),
        (
            {"address": "fe80::1%0"},
            "endpoints[0].address: 'fe80::1%0' is not an IPv4 or IPv6 address",
        ),
        ({"port": None}, "endpoints[0].port: is missing"),
        ({"port": 0}, "endpoints[0].port: 0 is not between 1 and 65535"),
        ({"port": 65536}, "endpoints[0].port: 65536 is not between 1 and 65535"),
        ({"port": -1}, "endpoints[0].port: -1 is not between 1 and 65535"),
        ({"port": "http"}, "endpoints[0].port: 'http' is not between 1 and 65535"),
        ({"port": "\u0668\u0660"}, "endpoints[0].port: '\u0668\u0660' is not between 1 and 65535"),
        ({"port": True}, "endpoints[0].port: True is not between 1 and 65535"),
        ({"port": 80.0}, "endpoints[0].port: 80.0 is not between 1 and 65535"),
        ({"labels": ["a"]}, "endpoints[0].labels: must be a mapping of strings"),
        ({"labels": {"a": 1}}, "endpoints[0].labels.'a': must be a string, not 1; quote it"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_holds(fields: dict[str, object], problem: str) -> None:
    assert problems_of(one(**fields)) == [problem]


def test_every_problem_is_listed_with_its_path_and_line() -> None:
    text = """
endpoints:
- name: a
  address: 10.0.0.1
  port: 99999
- 7
- address: nowhere
  port: "80"
"""
    assert problems_of(text) == [
        "endpoints[0].port (line 3): 99999 is not between 1 and 65535",
        "endpoints[1] (line 6): must be a mapping with name, address and port",
        "endpoints[2].name (line 7): is missing",
        "endpoints[2].address (line 7): 'nowhere' is not an IPv4 or IPv6 address",
    ]


def test_the_text_of_an_error_stays_readable_with_hundreds_of_problems() -> None:
    with pytest.raises(EndpointsFileError, match="and 280 more") as caught:
        parse_endpoints(json.dumps({"endpoints": [7] * 300}))

    assert len(caught.value.problems) == 300


def test_the_same_name_or_address_twice_is_a_problem() -> None:
    entry = {"name": "a", "address": "10.0.0.1", "port": 80}
    other_name = {**entry, "name": "b"}
    other_namespace = {**entry, "namespace": "x", "port": 81}
    text = json.dumps({"endpoints": [entry, other_namespace, {**entry, "port": 82}, other_name]})

    assert problems_of(text) == [
        "endpoints[2].name: default/a is already endpoints[0]",
        "endpoints[3].address: 10.0.0.1:80 is already endpoints[0]",
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "7", "[]", "endpoints:", "endpoints: {a: 1}"])
def test_a_document_of_another_form_is_refused(text: str) -> None:
    assert problems_of(text) == ["the document must be a mapping with a list `endpoints`"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"endpoints:\n- name: a\n bad: [\n", "line 3, column 2"),
        (b"endpoints: []\n---\nendpoints: []\n", "line 2, column 1"),
        (b'{"endpoints": [', "line 2, column 1: did not find expected node content"),
        (b"endpoints: &a [*a, *b]", "line 1, column 20: found undefined alias"),
        (b"endpoints: !!python/object:os.system []", "line 1, column 12: could not determine"),
        (b"\xff\xfe\xff", "unacceptable character"),
        (b"endpoints: 2024-13-45", "month must be in 1..12"),
        (b"- " * 100_000, "exceeded maximum nesting depth"),
        (b'{"a":' + b"[" * 100_000, "exceeded maximum nesting depth"),
    ],
)
def test_what_is_neither_yaml_nor_json_is_refused_with_its_place(text: bytes, problem: str) -> None:
    assert problem in problems_of(text)[0]


def test_a_document_nested_as_deeply_as_yaml_allows_is_refused() -> None:
    (problem,) = problems_of(b"[" * 900 + b"]" * 900)

    assert "nested too deeply" in problem or "must be a mapping" in problem


def test_a_document_over_1_mib_is_refused() -> None:
    assert problems_of(b"#" * (1024 * 1024 + 1)) == ["larger than 1048576 bytes"]
    assert parse_endpoints(b"endpoints: []\n" + b"#" * (1024 * 1024 - 14)) == ()


def test_an_entry_that_contains_itself_is_described_in_a_few_words() -> None:
    (problem,) = problems_of("endpoints:\n- &a {name: [*a, *a], address: ::1, port: 80}\n")

    assert len(problem) < 500


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
fields = st.sampled_from(["name", "namespace", "address", "port", "labels", "x"])


@given(entries=st.lists(st.one_of(values, st.dictionaries(fields, values)), max_size=4))
def test_any_document_gives_valid_endpoints_or_one_error(entries: list[object]) -> None:
    with contextlib.suppress(EndpointsFileError):
        found = parse_endpoints(json.dumps({"endpoints": entries}))
        assert len(found) == len(entries)
        assert all(Address.parse(one.address.authority) == one.address for one in found)


@given(data=st.binary(max_size=60))
def test_any_bytes_give_endpoints_or_one_error(data: bytes) -> None:
    for document in (data, b"endpoints:\n- name: " + data, b'{"endpoints": [' + data):
        with contextlib.suppress(EndpointsFileError):
            assert isinstance(parse_endpoints(document), tuple)
