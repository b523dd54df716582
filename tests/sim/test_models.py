from __future__ import annotations

import random

import pytest

from pointsman.sim.errors import ApiError
from pointsman.sim.models import ServedModels
from sim.transcripts import shape, transcript

LORAS = (("lora-1", "models/lora-1"), ("lora-2", "models/lora-2"))


def models(adapters: tuple[tuple[str, str], ...] = LORAS) -> ServedModels:
    return ServedModels(
        "base",
        context_tokens_max=2048,
        created=1_795_557_708,
        rng=random.Random(1),
        adapters=adapters,
    )


def test_the_listing_looks_like_a_real_one() -> None:
    recorded, listing = transcript("models-lora").document, models().listing()
    assert shape(listing) == shape(recorded)
    for ours, theirs in zip(listing["data"], recorded["data"], strict=True):
        assert ours["parent"] == theirs["parent"]
        assert ours["id"] == theirs["id"]
        assert ours["max_model_len"] == theirs["max_model_len"]


def test_names_are_told_apart() -> None:
    served = models()
    assert served.adapter_of("lora-1") == "lora-1"
    assert served.adapter_of("base") == served.adapter_of(None) == ""
    with pytest.raises(
        ApiError, match=r"The model `lora-9` does not exist\. Valid aliases: base\."
    ):
        served.adapter_of("lora-9")


def test_loading_and_unloading_answer_as_recorded() -> None:
    served = models()
    assert served.load("lora-3", "models/lora-3") == transcript("lora-load").body
    assert served.adapters == ("lora-1", "lora-2", "lora-3")
    assert served.unload("lora-3") == transcript("lora-unload").body
    assert served.adapters == ("lora-1", "lora-2")


def test_refusals_are_as_recorded() -> None:
    served = models((*LORAS, ("lora-3", "models/lora-3")))
    with pytest.raises(ApiError) as again:
        served.load("lora-3", "models/lora-3")
    with pytest.raises(ApiError) as absent:
        served.load("lora-x", "/nonexistent")
    served.unload("lora-3")
    with pytest.raises(ApiError) as unknown:
        served.unload("lora-3")
    for name, refusal in (
        ("lora-load-again", again),
        ("lora-load-missing", absent),
        ("lora-unload-unknown", unknown),
    ):
        recorded = transcript(name)
        assert refusal.value.status == recorded.status
        assert refusal.value.body.decode() == recorded.body


@pytest.mark.parametrize(("name", "path"), [(None, "p"), ("n", None), ("", "p"), (3, "p")])
def test_a_name_and_a_path_are_needed(name: object, path: object) -> None:
    with pytest.raises(ApiError, match="must be provided"):
        models().load(name, path)
