from __future__ import annotations

from config_documents import TROUBLE, plan_of, problems_of
from pointsman.config.document import PluginEntry
from pointsman.config.findings import Findings
from pointsman.config.producers import resolve_producers
from pointsman.config.scope import Scope


def producers_of(text: str) -> list[str]:
    return [plan.name for plan in plan_of(text, TROUBLE).producers]


def test_missing_producers_are_added_and_run_before_their_consumers() -> None:
    """Also those that an added one needs."""
    assert producers_of("plugins: [{type: thirsty-scorer}]") == [
        "first-producer",
        "second-producer",
    ]


def test_added_producers_can_be_referred_to() -> None:
    scope = Scope(TROUBLE, Findings(), mentioned=())
    scope.declare([PluginEntry(type="thirsty-scorer")])
    producers = resolve_producers(scope)
    assert scope.get("second-producer") in producers
    assert scope.place(producers[0]) == (), "it stands nowhere in the document"


def test_the_order_of_the_document_does_not_matter() -> None:
    text = "plugins: [{type: second-producer, name: s}, {type: first-producer, name: f}]"
    producers = producers_of(text)
    assert producers.index("f") < producers.index("s")


def test_every_listed_producer_runs_and_none_is_added_beside_it() -> None:
    text = "plugins: [{type: rival-producer}, {type: thirsty-scorer}, {type: token-producer}]"
    assert sorted(producers_of(text)) == ["rival-producer", "second-producer", "token-producer"]


def test_producers_that_need_each_other_are_an_error() -> None:
    problems = problems_of("plugins: [{type: queue-scorer}, {type: egg-producer}]", TROUBLE)
    [(path, message)] = problems.items()
    assert path in {"plugins[1]", ""}
    assert message in {
        "producers need each other: egg-producer -> hen-producer -> egg-producer",
        "producers need each other: hen-producer -> egg-producer -> hen-producer",
    }


def test_two_producers_of_the_same_are_an_error() -> None:
    text = "plugins: [{type: first-producer}, {type: rival-producer}]"
    assert problems_of(text, TROUBLE) == {
        "plugins[1]": "'rival-producer' and 'first-producer' both produce 'first'; keep one of them"
    }


def test_what_nobody_produces_is_an_error_at_its_consumer() -> None:
    text = "plugins: [{type: queue-scorer}, {type: hopeless-scorer}]"
    assert problems_of(text, TROUBLE) == {
        "plugins[1]": "'hopeless-scorer' needs 'nothing-like-it', which no plugin produces"
    }


def test_a_producer_that_cannot_be_added_without_parameters_is_an_error() -> None:
    text = "plugins: [{type: spoilt-scorer}]"
    assert list(problems_of(text, TROUBLE).values()) == ["is required"]
