from __future__ import annotations

import pytest

from config_documents import BUILT_IN, plan_of, problems_of, warnings_of
from pointsman.config.scope import unknown_type
from pointsman.config.upstream import NOT_AVAILABLE


def test_a_type_that_is_mistyped_is_answered_with_the_nearest() -> None:
    message = problems_of("plugins: [{type: queue-scorrer}]")["plugins[0].type"]
    assert message.startswith("unknown plugin type 'queue-scorrer'; did you mean 'queue-scorer'?")
    assert "kv-cache-utilization-scorer" in message
    assert "max-score-picker" not in message, "only types that end alike are listed"


def test_a_type_that_only_upstream_has_says_so() -> None:
    message = problems_of("plugins: [{type: no-hit-lru-scorer}]")["plugins[0].type"]
    assert message == unknown_type("no-hit-lru-scorer", BUILT_IN)
    assert message.startswith("'no-hit-lru-scorer' is known upstream, not available in Pointsman")
    assert "prefix-cache-scorer" in message


def test_nothing_is_listed_as_missing_that_is_there() -> None:
    assert not NOT_AVAILABLE & {name for entry in BUILT_IN for name in entry.names}


def test_names_are_unique() -> None:
    text = (
        "plugins: [{type: queue-scorer}, {type: queue-scorer},"
        " {type: random-picker, name: queue-scorer}]"
    )
    assert problems_of(text).keys() == {"plugins[1].type", "plugins[2].name"}


def test_one_type_may_be_there_under_two_names() -> None:
    text = (
        "plugins:\n"
        "- {type: load-aware-scorer, name: a}\n"
        "- {type: load-aware-scorer, name: b, parameters: {threshold: 5}}\n"
    )
    scorers = [plan for plan, _ in plan_of(text).profiles[0].scorers]
    assert [(plan.name, plan.config.model_dump()) for plan in scorers] == [
        ("a", {"threshold": 128}),
        ("b", {"threshold": 5}),
    ]


def test_wrong_parameters_are_problems_with_their_path() -> None:
    text = (
        "plugins:\n"
        "- type: label-selector-filter\n"
        "  parameters:\n"
        '    matchLabels: {"a/b": 1}\n'
        "    matchExpressions: [{key: k, operator: In}]\n"
        "    matchLabel: {}\n"
    )
    assert problems_of(text) == {
        'plugins[0].parameters.matchLabels["a/b"]': "must be a valid string, not 1",
        "plugins[0].parameters.matchExpressions[0]": "operator In needs values",
        "plugins[0].parameters.matchLabel": "unknown key 'matchLabel'; did you mean 'matchLabels'? "
        "(allowed: matchExpressions, matchLabels)",
    }


def test_a_reference_to_an_entry_that_is_wrong_itself_is_no_second_problem() -> None:
    text = (
        "plugins: [{type: nonsense}, {type: load-aware-scorer, parameters: {threshold: 0}},"
        " {name: nameless}]\n"
        "schedulingProfiles: [{name: a, plugins: [{pluginRef: nonsense}, {pluginRef: nameless},"
        " {pluginRef: load-aware-scorer}]}]\n"
    )
    assert problems_of(text).keys() == {
        "plugins[0].type",
        "plugins[1].parameters.threshold",
        "plugins[2].type",
    }


@pytest.mark.parametrize("name", ["approx-prefix-cache-producer", "mine"])
def test_a_parameter_may_name_another_plugin(name: str) -> None:
    text = (
        "plugins: [{type: approx-prefix-cache-producer, name: mine},"
        f" {{type: prefix-cache-scorer, parameters: {{prefixMatchInfoProducerName: {name}}}}}]"
    )
    assert problems_of(text) == {}


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("mien", "unknown plugin 'mien'; did you mean 'mine'?"),
        ("q", "is of kind scorer, not producer"),
    ],
)
def test_a_parameter_that_names_nothing_fitting_is_a_problem(name: str, complaint: str) -> None:
    text = (
        "plugins: [{type: approx-prefix-cache-producer, name: mine}, {type: queue-scorer, name: q},"
        f" {{type: prefix-cache-scorer, parameters: {{prefixMatchInfoProducerName: {name}}}}}]"
    )
    path = "plugins[2].parameters.prefixMatchInfoProducerName"
    assert complaint in problems_of(text)[path]


def test_parameters_without_effect_are_warned_about() -> None:
    text = "plugins: [{type: queue-scorer}, {type: token-producer, parameters: {modelName: m}}]"
    assert "no tokenizer is asked" in warnings_of(text)["plugins[1].parameters"]
