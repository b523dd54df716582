from __future__ import annotations

import pytest

from config_documents import plan_of, problems_of, warnings_of
from pointsman.config.profiles import DEFAULT_PICKER, DEFAULT_SCORER

PLUGINS = """
plugins:
- type: queue-scorer
- type: random-picker
- type: max-score-picker
- type: decode-filter
- type: context-length-aware
- type: token-producer
schedulingProfiles:
"""


def shape_of(text: str) -> list[tuple[str, list[str], dict[str, float], str]]:
    return [
        (
            profile.name,
            [one.name for one in profile.filters],
            {one.name: weight for one, weight in profile.scorers},
            profile.picker.name,
        )
        for profile in plan_of(text).profiles
    ]


def test_without_a_document_the_cost_in_tokens_decides() -> None:
    assert (DEFAULT_SCORER, DEFAULT_PICKER) == ("token-cost-scorer", "max-score-picker")
    assert shape_of("") == [("default", [], {DEFAULT_SCORER: 1.0}, DEFAULT_PICKER)]


@pytest.mark.parametrize(
    ("plugins", "filters", "scorers", "picker"),
    [
        ("[{type: queue-scorer}]", [], ["queue-scorer"], "max-score-picker"),
        ("[{type: random-picker}]", [], [], "random-picker"),
        ("[{type: file-discovery, parameters: {path: x}}]", [], ["token-cost-scorer"],
         "max-score-picker"),
        ("[{type: decode-filter}]", ["decode-filter"], ["token-cost-scorer"], "max-score-picker"),
        ("[{type: random-picker, name: r}, {type: queue-scorer}]", [], ["queue-scorer"], "r"),
    ],
)  # fmt: skip
def test_without_profiles_one_is_made_of_what_is_listed(
    plugins: str, filters: list[str], scorers: list[str], picker: str
) -> None:
    weighted = dict.fromkeys(scorers, 1.0)
    assert shape_of(f"plugins: {plugins}") == [("default", filters, weighted, picker)]


def test_a_profile_is_what_it_lists_in_its_order() -> None:
    text = PLUGINS + (
        "- name: a\n"
        "  plugins: [{pluginRef: context-length-aware, weight: 0}, {pluginRef: decode-filter},\n"
        "            {pluginRef: max-score-picker}, {pluginRef: queue-scorer, weight: 2.5}]\n"
    )
    assert shape_of(text) == [
        (
            "a",
            ["context-length-aware", "decode-filter"],
            {"context-length-aware": 0.0, "queue-scorer": 2.5},
            "max-score-picker",
        )
    ]


def test_a_profile_without_picker_takes_the_documents_first() -> None:
    assert shape_of(PLUGINS + "- {name: a, plugins: [{pluginRef: queue-scorer}]}") == [
        ("a", [], {"queue-scorer": 1.0}, "random-picker")
    ]


def test_an_explicit_profile_may_be_without_scorers() -> None:
    assert shape_of(PLUGINS + "- {name: a}") == [("a", [], {}, "random-picker")]


@pytest.mark.parametrize("weight", ["-1", ".nan", ".inf", "'2'", "true"])
def test_a_bad_weight_is_a_problem(weight: str) -> None:
    text = PLUGINS + f"- {{name: a, plugins: [{{pluginRef: queue-scorer, weight: {weight}}}]}}"
    assert list(problems_of(text)) == ["schedulingProfiles[0].plugins[0].weight"]


def test_wrong_references_names_and_pickers_are_problems_all_at_once() -> None:
    text = PLUGINS + (
        "- name: a\n"
        "  plugins: [{pluginRef: random-picker}, {pluginRef: max-score-picker},\n"
        "            {pluginRef: que-scorer}, {pluginRef: prefix-cache-scorer}]\n"
        "- {name: a}\n"
    )
    problems = problems_of(text)
    assert problems.keys() == {
        "schedulingProfiles[0].plugins",
        "schedulingProfiles[0].plugins[2].pluginRef",
        "schedulingProfiles[0].plugins[3].pluginRef",
        "schedulingProfiles[1].name",
    }
    assert "did you mean 'queue-scorer'?" in problems["schedulingProfiles[0].plugins[2].pluginRef"]
    assert (
        "add `- type: prefix-cache-scorer` to plugins"
        in problems["schedulingProfiles[0].plugins[3].pluginRef"]
    )


def test_what_a_profile_has_no_use_for_is_a_warning() -> None:
    text = PLUGINS + (
        "- {name: a, plugins: [{pluginRef: token-producer}, {pluginRef: decode-filter, weight: 2}]}"
    )
    assert warnings_of(text) == {
        "schedulingProfiles[0].plugins[0]": "'token-producer' is of kind producer: "
        "it needs no place in a profile",
        "schedulingProfiles[0].plugins[1].weight": "'decode-filter' is of kind filter: "
        "only scorers weigh",
    }


def test_several_profiles_are_read_and_the_first_is_used() -> None:
    text = PLUGINS + "- {name: a}\n- {name: b, plugins: [{pluginRef: queue-scorer}]}\n"
    assert [profile.name for profile in plan_of(text).profiles] == ["a", "b"]
    assert "only 'a' is used" in warnings_of(text)["schedulingProfiles"]


def test_the_single_profile_handler_takes_one_profile() -> None:
    handler = "plugins: [{type: single-profile-handler}]\nschedulingProfiles: "
    assert problems_of(handler + "[{name: a}]") == {}
    assert (
        "exactly one profile"
        in problems_of(handler + "[{name: a}, {name: b}]")["schedulingProfiles"]
    )


def test_two_profile_handlers_are_a_problem() -> None:
    text = "plugins: [{type: single-profile-handler}, {type: single-profile-handler, name: b}]"
    assert "only one profile handler" in problems_of(text)["plugins[1]"]
