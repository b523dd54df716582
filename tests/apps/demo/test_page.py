"""The report is one well-formed file that needs no network and holds what was promised."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from apps.demo.reports import report
from pointsman.apps.demo.page import headline, page
from pointsman.apps.demo.plots import figures

if TYPE_CHECKING:
    from pointsman.apps.demo.model import DemoReport

VOID = {"meta", "link", "br", "img", "hr"}


class Balance(HTMLParser):
    """Fails on a tag that is closed out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.links += [
            value
            for name, value in attrs
            if name in {"src", "href", "xlink:href"} and value and not value.startswith("#")
        ]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def demo() -> DemoReport:
    return report()


@pytest.fixture(scope="module")
def html(demo: DemoReport) -> str:
    return page(demo, figures(demo))


def test_all_tags_are_closed_in_order_and_nothing_is_fetched(html: str) -> None:
    reader = Balance()
    reader.feed(html)
    assert reader.open == []
    assert reader.links == []
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_it_holds_six_figures_that_follow_the_pages_colours(html: str) -> None:
    assert html.count("<svg") == 6
    assert html.count("var(--base)") > 6
    assert "#0a0b0" not in html, "a placeholder colour was left"


def test_figures_do_not_share_element_names_that_clip_each_other(html: str) -> None:
    clips = re.findall(r'<clipPath id="([^"]+)"', html)
    assert len(clips) == len(set(clips)) > 0


def test_it_says_how_to_run_it_again_and_under_which_conditions(html: str) -> None:
    assert "pointsman demo --seed 1" in html
    assert "2 &lt;simulated&gt;" in html
    assert "picker 0.20 (of 2)" in html


def test_numbers_of_both_policies_are_in_the_table(html: str) -> None:
    assert html.count("Round robin") >= 3
    assert "4.0x faster" in html


@pytest.mark.parametrize(
    ("base_s", "ours_s", "said"),
    [(0.8, 0.2, "4.0x sooner"), (0.2, 0.8, "4.0x later"), (0.2, 0.2, "No difference")],
)
def test_the_headline_says_what_happened_whichever_way_it_went(
    base_s: float, ours_s: float, said: str
) -> None:
    assert said in headline(report(base_s=base_s, ours_s=ours_s))


def test_reasons_for_doubt_are_shown_first(html: str) -> None:
    doubtful = report(error="HTTP 503: <b>")
    text = page(doubtful, figures(doubtful))
    assert "with care" not in html
    assert text.index("with care") < text.index('class="cards"')
    assert "HTTP 503: &lt;b&gt;" in text


def test_equal_reports_give_equal_pages(demo: DemoReport, html: str) -> None:
    assert page(demo, figures(demo)) == html
