from __future__ import annotations

import pytest

from pointsman.scrape.engines import EngineMapping, Engines, built_in_engines, metric_specs


def names(engines: tuple[EngineMapping, ...]) -> list[str]:
    return [engine.name for engine in engines]


@pytest.mark.parametrize("key", ["llm-d.ai/engine-type", "inference.networking.k8s.io/engine-type"])
@pytest.mark.parametrize("engine", names(built_in_engines()))
def test_an_endpoint_s_label_names_its_engine(key: str, engine: str) -> None:
    assert names(Engines().for_labels({key: engine})) == [engine]


def test_the_newer_label_wins() -> None:
    labels = {"inference.networking.k8s.io/engine-type": "vllm", "llm-d.ai/engine-type": "sglang"}

    assert names(Engines().for_labels(labels)) == ["sglang"]


@pytest.mark.parametrize("labels", [{}, {"llm-d.ai/engine-type": "unheard-of"}, {"app": "x"}])
def test_without_a_known_engine_all_are_tried_the_default_first(labels: dict[str, str]) -> None:
    tried = names(Engines(default="sglang").for_labels(labels))

    assert tried[0] == "sglang"
    assert sorted(tried) == sorted(names(built_in_engines()))


def test_a_configured_engine_replaces_the_built_in_of_its_name() -> None:
    mine = EngineMapping(name="vllm", waiting=metric_specs("my_queue"))

    assert Engines([mine]).for_labels({"llm-d.ai/engine-type": "vllm"}) == (mine,)


def test_a_configured_engine_can_be_the_default_and_have_its_own_label() -> None:
    mine = EngineMapping(name="neuron", waiting=metric_specs("neuron_queue"))
    engines = Engines([mine], default="neuron", label_keys=("engine",))

    assert engines.for_labels({})[0] == mine
    assert engines.for_labels({"engine": "neuron"}) == (mine,)
    assert engines.for_labels({"llm-d.ai/engine-type": "vllm"})[0] == mine


def test_an_unknown_default_is_refused() -> None:
    with pytest.raises(ValueError, match="'tgi' is unknown; known are vllm, sglang"):
        Engines(default="tgi")


def test_empty_specs_are_left_out() -> None:
    assert metric_specs("", "a") == metric_specs("a")
