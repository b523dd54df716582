"""What holds for every plugin of the catalog, whoever wrote it; new ones are tested unasked."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pointsman.api.candidates import MATCHED_TOKENS, AdapterSlots, Candidates
from pointsman.api.catalog import Entry, decode
from pointsman.api.plugins import Declared, Filter, Picker, Plugin, Producer, Scorer, Surroundings
from pointsman.api.signals import Signal
from pointsman.apps.plugins import built_in_catalog
from pointsman.domain.endpoints import Address, Endpoint
from pointsman.domain.requests import ApiKind, InferenceRequest, Prompt
from pointsman.lib.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _pytest.mark import ParameterSet

    from pointsman.api.plugins import PluginConfig
    from pointsman.api.signals import FloatArray

CATALOG = built_in_catalog()
ENTRIES = {entry.id: entry for entry in CATALOG}
NOW_S = 1_000.0
VALUES = (0.0, 0.0, 0.5, 1.0, 3.0, 17.0, 4_096.0, 1e12)
SCRAPED_AT = (-np.inf, 0.0, NOW_S - 0.25, NOW_S, np.inf)
ROLES = ("decode", "prefill", "both", "nonsense")
RANGES = ("0-100", "100-2000", "7-7", "2000-100", "long")
UNIT = re.compile(
    r"\b(tokens?|requests?|blocks?|endpoints?|characters|bytes|(milli)?seconds|port|priority"
    r"|share|probability|factor|saturation|no effect)\b",
    re.IGNORECASE,
)


def of_kind(*kinds: type[Plugin]) -> list[ParameterSet]:
    return [
        pytest.param(entry, id=entry.plugin.type_name)
        for entry in CATALOG
        if issubclass(entry.plugin, kinds)
    ]


EVERY = pytest.mark.parametrize("entry", of_kind(Plugin))
SIZES = pytest.mark.parametrize("size", [1, 2, 1_000])


class KnownPrefixes:
    """A prefix index whose matches depend on the slot only."""

    def match(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        matched: FloatArray = np.minimum(candidates.slots * 100.0, request.prompt.tokens)
        return matched

    def record(self, request: InferenceRequest, slot: int) -> None:
        """Nothing is learned."""


def example_parameters(plugin: type[Plugin]) -> dict[str, object]:
    """The first example of every field that has one, as a document would write it."""
    return {
        field.alias or name: field.examples[0]
        for name, field in plugin.Config.model_fields.items()
        if field.examples
    }


def example_config(plugin: type[Plugin]) -> PluginConfig:
    return decode(plugin, example_parameters(plugin))


def construct(entry: Entry, *, seed: int = 1) -> Plugin:
    world = Surroundings(ManualClock(NOW_S), random.Random(seed), KnownPrefixes())
    return entry.plugin(example_config(entry.plugin), world)


def an_endpoint(number: int) -> Endpoint:
    labels = {"llm-d.ai/role": ROLES[number % 4]} if number % 5 else {}
    if number % 3:
        labels["llm-d.ai/context-length-range"] = RANGES[number % 5]
    address = Address(f"10.0.{number // 250}.{number % 250 + 1}", 8000)
    return Endpoint(name=f"e{number}", address=address, labels=labels)


def some_candidates(size: int, *, seed: int) -> Candidates:
    """Candidates in every third slot with signals from VALUES; nothing in them can be written."""
    chance = np.random.default_rng(seed)
    n_slots = size * 3
    signals = chance.choice(VALUES, size=(len(Signal), n_slots))
    signals[Signal.SCRAPED_AT_S] = chance.choice(SCRAPED_AT, size=n_slots)
    signals[Signal.KV_USAGE] = chance.random(n_slots)
    signals[Signal.PREFILL_RATE] = chance.choice([1.0, 8_000.0], size=n_slots)
    slots = np.arange(0, n_slots, 3, dtype=np.intp)
    matched = chance.choice([0.0, 64.0, 1_000.0], size=size)
    bits = [int.from_bytes(chance.bytes(n_slots // 8 + 1), "little") % (1 << n_slots)] * 2
    for array in (signals, slots, matched):
        array.setflags(write=False)
    return Candidates(
        endpoints=[an_endpoint(number) for number in range(n_slots)],
        slots=slots,
        signals=signals,
        now_s=NOW_S,
        adapters={"m": AdapterSlots(*bits), "other": AdapterSlots(active=1)},
        features={MATCHED_TOKENS: matched},
    )


def a_request(tokens: int = 1_000) -> InferenceRequest:
    return InferenceRequest(
        id="r",
        kind=ApiKind.CHAT,
        model="m",
        target_model="m",
        prompt=Prompt((b"x" * (4 * tokens),), tokens),
        headers={"test-epp-endpoint-selection": "10.0.0.1, 10.0.0.4:8000"},
    )


def sizes_of(features: Mapping[str, FloatArray]) -> set[int]:
    return {len(column) for column in features.values()}


@EVERY
def test_its_parameters_have_defaults_or_examples(entry: Entry) -> None:
    assert isinstance(example_config(entry.plugin), entry.plugin.Config)


@EVERY
def test_an_unknown_parameter_is_rejected_by_name(entry: Entry) -> None:
    with pytest.raises(ValidationError) as caught:
        decode(entry.plugin, example_parameters(entry.plugin) | {"noSuchThing": 1})
    assert ("noSuchThing",) in [error["loc"] for error in caught.value.errors()]


@EVERY
def test_it_is_documented_with_units(entry: Entry) -> None:
    assert entry.documentation, "a docstring becomes its documentation"
    assert entry.summary.endswith((".", ":")), "the summary is one sentence on one line"
    schema = entry.plugin.Config.model_json_schema(by_alias=True)
    for shape in (schema, *schema.get("$defs", {}).values()):
        for name, field in shape.get("properties", {}).items():
            assert field.get("description"), f"{name} has no text"
            kinds = {one.get("type") for one in (field, *field.get("anyOf", ()))}
            if kinds & {"integer", "number"}:
                assert UNIT.search(field["description"]), f"{name} does not say its unit"


@EVERY
def test_its_parameters_are_remarked_upon_in_sentences(entry: Entry) -> None:
    for remark in entry.plugin.remarks(example_config(entry.plugin)):
        assert isinstance(remark, str)
        assert remark


@pytest.mark.parametrize("entry", of_kind(Declared))
def test_what_is_only_declared_has_no_role_in_a_profile(entry: Entry) -> None:
    assert not issubclass(entry.plugin, Producer | Filter | Scorer | Picker)


@SIZES
@pytest.mark.parametrize("entry", of_kind(Scorer))
def test_scores_are_finite_shares_one_for_each_candidate(entry: Entry, size: int) -> None:
    scorer = construct(entry)
    assert isinstance(scorer, Scorer)
    scores = scorer.score(a_request(), some_candidates(size, seed=size))
    assert scores.shape == (size,)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert scores.min() >= 0
    assert scores.max() <= 1


@SIZES
@pytest.mark.parametrize("entry", of_kind(Filter))
def test_a_filter_returns_a_mask(entry: Entry, size: int) -> None:
    step = construct(entry)
    assert isinstance(step, Filter)
    mask = step.keep(a_request(), some_candidates(size, seed=size))
    assert mask.shape == (size,)
    assert mask.dtype == np.bool_


@SIZES
@pytest.mark.parametrize("entry", of_kind(Producer))
def test_a_producer_adds_just_what_it_says(entry: Entry, size: int) -> None:
    producer = construct(entry)
    assert isinstance(producer, Producer)
    features = producer.produce(a_request(), some_candidates(size, seed=size))
    assert set(features) == set(type(producer).produces)
    assert sizes_of(features) <= {size}
    producer.picked(a_request(), 0)


@SIZES
@pytest.mark.parametrize("entry", of_kind(Picker))
def test_a_picker_returns_different_positions_in_range(entry: Entry, size: int) -> None:
    picker = construct(entry)
    assert isinstance(picker, Picker)
    for scores in (np.zeros(size), np.ones(size), np.random.default_rng(1).random(size)):
        scores.setflags(write=False)
        picks = picker.pick(scores)
        assert picks
        assert len(set(picks)) == len(picks)
        assert all(type(pick) is int and 0 <= pick < size for pick in picks)


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 40), tokens=st.integers(0, 200_000))
def test_no_signal_makes_a_score_leave_its_range(seed: int, size: int, tokens: int) -> None:
    """Whatever was or was not scraped, and whatever we sent: scores are shares, masks are masks."""
    candidates, request = some_candidates(size, seed=seed), a_request(tokens)
    for entry in CATALOG:
        plugin = construct(entry) if not issubclass(entry.plugin, Declared) else None
        if isinstance(plugin, Scorer):
            scores = plugin.score(request, candidates)
            assert np.isfinite(scores).all(), entry.id
            assert ((scores >= 0) & (scores <= 1)).all(), entry.id
        if isinstance(plugin, Filter):
            assert plugin.keep(request, candidates).dtype == np.bool_, entry.id


@given(
    scores=st.lists(st.floats(0, 1e6) | st.sampled_from([0.0, 5e-324, 1.0]), min_size=1),
    endpoints_max=st.integers(-1, 50),
    entry=st.sampled_from([entry for entry in CATALOG if issubclass(entry.plugin, Picker)]),
)
def test_no_scores_make_a_picker_fail(
    scores: list[float], endpoints_max: int, entry: Entry
) -> None:
    world = Surroundings(ManualClock(), random.Random(1), KnownPrefixes())
    config = decode(entry.plugin, {"maxNumOfEndpoints": endpoints_max})
    picker = entry.plugin(config, world)
    assert isinstance(picker, Picker)
    picks = picker.pick(np.array(scores))
    assert len(picks) == len(set(picks)) == min(max(endpoints_max, 1), len(scores))
    assert set(picks) <= set(range(len(scores)))


@pytest.mark.parametrize("entry", of_kind(Filter, Scorer, Picker))
def test_equal_seeds_give_equal_decisions(entry: Entry) -> None:
    decisions = []
    for _ in range(2):
        plugin = construct(entry, seed=7)
        results: list[list[float]] = []
        for round_ in range(5):
            candidates = some_candidates(50, seed=round_)
            if isinstance(plugin, Filter):
                results.append(plugin.keep(a_request(), candidates).tolist())
            if isinstance(plugin, Scorer):
                results.append(plugin.score(a_request(), candidates).tolist())
            if isinstance(plugin, Picker):
                results.append(list(plugin.pick(np.full(50, 0.5))))
        decisions.append(results)
    assert decisions[0] == decisions[1]


@pytest.mark.parametrize("entry", of_kind(Filter, Scorer))
def test_it_follows_a_pool_that_changes(entry: Entry) -> None:
    """What is calculated once per pool must be calculated anew for the next one."""
    plugin = construct(entry)
    large, small = some_candidates(60, seed=3), some_candidates(2, seed=3)
    for candidates in (large, small, large):
        fresh = construct(entry)
        if isinstance(plugin, Filter):
            assert isinstance(fresh, Filter)
            expected = fresh.keep(a_request(), candidates)
            assert (plugin.keep(a_request(), candidates) == expected).all()
        if isinstance(plugin, Scorer):
            assert isinstance(fresh, Scorer)
            expected_scores = fresh.score(a_request(), candidates)
            assert (plugin.score(a_request(), candidates) == expected_scores).all()
