from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from pointsman.config.decode import decode, keys_at, unknown
from pointsman.config.document import Document, Section
from pointsman.config.findings import Findings

WEIGHT_MISSPELT = "unknown key 'wieght'; did you mean 'weight'? (allowed: colour, name, weight)"
MAX_LEAVES_MISSPELT = (
    "unknown key 'max_leaves'; did you mean 'maxLeaves'? (allowed: best, leaves, maxLeaves, named)"
)


class Leaf(Section):
    """A leaf."""

    name: str
    weight: float | None = Field(None, ge=0)
    colour: Literal["red", "green"] = "red"


class Tree(Section):
    """A tree."""

    leaves: tuple[Leaf, ...] = ()
    best: Leaf | None = None
    named: dict[str, int] = Field(default_factory=dict)
    max_leaves: int = 9

    @model_validator(mode="after")
    def _is_not_crowded(self) -> Tree:
        if len(self.leaves) > self.max_leaves:
            raise ValueError(f"more than {self.max_leaves} leaves")
        return self


def read(value: dict[str, object]) -> tuple[Tree | None, list[str]]:
    findings = Findings()
    tree = decode(Tree, value, path=("tree",), findings=findings)
    return tree, [str(problem) for problem in findings.problems]


def test_what_is_right_is_read() -> None:
    tree, problems = read({"leaves": [{"name": "a", "weight": 1}], "maxLeaves": 3})
    assert not problems
    assert tree == Tree(leaves=(Leaf(name="a", weight=1.0),), maxLeaves=3)


def test_a_null_is_an_absent_key() -> None:
    assert read({"leaves": None, "maxLeaves": None}) == (Tree(), [])
    assert read({"best": {"name": None}})[1] == ["tree.best.name: is required"]


def test_every_problem_is_found_at_once_and_the_rest_is_kept() -> None:
    tree, problems = read(
        {
            "leaves": [
                {"weight": 1, "colour": "blue"},
                {"name": "a", "weight": -1, "wieght": 2},
                {"name": 5},
                {"name": "b", "colour": "blue"},
            ],
            "max_leaves": 3,
            "maxLeaves": "3",
            "named": {"x": "y", "z": 1},
        }
    )
    assert sorted(problems) == [
        "tree.leaves[0].colour: must be 'red' or 'green', not \"blue\"",
        "tree.leaves[0].name: is required",
        "tree.leaves[1].weight: must be greater than or equal to 0, not -1",
        f"tree.leaves[1].wieght: {WEIGHT_MISSPELT}",
        "tree.leaves[2].name: must be a valid string, not 5",
        "tree.leaves[3].colour: must be 'red' or 'green', not \"blue\"",
        'tree.maxLeaves: must be a valid integer, not "3"',
        f"tree.max_leaves: {MAX_LEAVES_MISSPELT}",
        'tree.named.x: must be a valid integer, not "y"',
    ]
    assert tree == Tree(leaves=(Leaf(name="a"), Leaf(name="b")), named={"z": 1})


def test_places_are_those_of_the_text_after_items_were_left_out() -> None:
    findings = Findings()
    value = {"leaves": [{}, {"name": "a"}, {}, {"name": "b"}]}
    decode(Tree, value, path=("tree",), findings=findings)
    assert findings.original(("tree", "leaves", 0)) == ("tree", "leaves", 1)
    assert findings.original(("tree", "leaves", 1)) == ("tree", "leaves", 3)


def test_a_broken_whole_is_nothing() -> None:
    assert read({"leaves": [{"name": "a"}, {"name": "b"}], "maxLeaves": 1}) == (
        None,
        ["tree: more than 1 leaves"],
    )


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["leaves", "best", "named", "maxLeaves", "name", "weight", "x"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_value_is_read_or_explained(value: object) -> None:
    """Either a model and no problem, or at least one problem; never an exception."""
    tree, problems = read({"best": value, "leaves": [value, value]})
    assert tree is not None or problems


def test_allowed_keys_are_known_at_every_depth() -> None:
    assert keys_at(Document, ("schedulingProfiles", 0, "plugins", 3)) == ("pluginRef", "weight")
    assert keys_at(Document, ("dataLayer", "discovery")) == ("pluginRef",)
    assert keys_at(Document, ("kind",)) == ()
    assert keys_at(Document, ("no", "such", 1)) == ()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("abc", "unknown key 'abc'; did you mean 'abd'? (allowed: abd, xyz)"),
        ("q", "unknown key 'q' (allowed: abd, xyz)"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, message: str) -> None:
    assert unknown("key", name, allowed=["xyz", "abd"]) == message
