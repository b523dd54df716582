from __future__ import annotations

import pytest

from pointsman.config.findings import ConfigError, Finding, Findings, Path, show


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("plugins", 2, "type"), "plugins[2].type"),
        (("a", "b/c", 0, "d.e"), 'a["b/c"][0]["d.e"]'),
        ((0, "x"), "[0].x"),
    ],
)
def test_a_place_is_shown_as_people_write_it(path: Path, text: str) -> None:
    assert show(path) == text


def test_a_finding_says_where_what_and_in_which_line() -> None:
    assert str(Finding("a.b", "is required", 3)) == "a.b: is required (line 3)"
    assert str(Finding("", "not YAML")) == "not YAML"


def test_the_line_is_that_of_the_nearest_thing_in_the_text() -> None:
    findings = Findings({(): 1, ("a",): 4})
    findings.problem(("a", "missing", 0), "x")
    findings.problem(("elsewhere",), "x")
    assert [problem.line for problem in findings.problems] == [4, None]


def test_problems_are_raised_together_in_the_order_of_lines() -> None:
    findings = Findings({("a",): 9, ("b",): 2})
    findings.problem(("a",), "is wrong")
    findings.problem(("b",), "is worse")
    findings.problem(("a",), "is wrong")
    findings.warning(("b",), "is odd")
    with pytest.raises(ConfigError) as caught:
        findings.raise_problems()
    assert str(caught.value) == "b: is worse (line 2)\na: is wrong (line 9)"
    assert [problem.path for problem in caught.value.problems] == ["b", "a"]
    assert findings.has_problem(("a",))
    assert not findings.has_problem(())


def test_without_problems_nothing_is_raised() -> None:
    findings = Findings()
    findings.warning((), "odd")
    findings.raise_problems()


def test_places_stay_true_when_list_items_are_left_out() -> None:
    findings = Findings()
    findings.removed(("plugins", 3))
    findings.removed(("plugins", 1))
    moved = [findings.original(("plugins", position))[1] for position in range(4)]
    assert moved == [0, 2, 4, 5]
    findings.removed(("plugins", 1))
    assert findings.original(("plugins", 1, "x", 1)) == ("plugins", 4, "x", 1)
    findings.removed(("plugins", 1, "x", 0))
    assert findings.original(("plugins", 1, "x", 1)) == ("plugins", 4, "x", 2)
    assert findings.original(("other", 1)) == ("other", 1)
