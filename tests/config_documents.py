"""What configuration tests share: the real catalog, and one with plugins made for trouble."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from pointsman.api.catalog import Catalog, Entry
from pointsman.api.plugins import PluginConfig, Producer, Scorer
from pointsman.apps.plugins import built_in_catalog
from pointsman.config.findings import ConfigError
from pointsman.config.load import load_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.config.plan import PickerPlan
    from pointsman.domain.requests import InferenceRequest

BUILT_IN = built_in_catalog()

HEAD = "apiVersion: llm-d.ai/v1alpha1\nkind: EndpointPickerConfig\n"


def plan_of(text: str, catalog: Catalog = BUILT_IN) -> PickerPlan:
    """The plan of a document without its head."""
    return load_plan(HEAD + text, catalog)


def problems_of(text: str, catalog: Catalog = BUILT_IN) -> dict[str, str]:
    """Message of every problem by its path."""
    try:
        plan_of(text, catalog)
    except ConfigError as error:
        return {problem.path: problem.message for problem in error.problems}
    return {}


def warnings_of(text: str) -> dict[str, str]:
    """Message of every warning by its path."""
    return {warning.path: warning.message for warning in plan_of(text).warnings}


class _Adder(Producer):
    """Adds zeros under the names it produces."""

    def produce(
        self, request: InferenceRequest, candidates: Candidates
    ) -> Mapping[str, FloatArray]:
        del request
        return {name: np.zeros(len(candidates)) for name in self.produces}


class First(_Adder):
    """Needs nothing."""

    type_name = "first-producer"
    produces = ("first",)


class Second(_Adder):
    """Needs the first."""

    type_name = "second-producer"
    consumes = ("first",)
    produces = ("second",)


class Egg(_Adder):
    """Needs the hen."""

    type_name = "egg-producer"
    consumes = ("hen",)
    produces = ("egg",)


class Hen(_Adder):
    """Needs the egg."""

    type_name = "hen-producer"
    consumes = ("egg",)
    produces = ("hen",)


class Rival(_Adder):
    """Produces what the first does."""

    type_name = "rival-producer"
    produces = ("first",)


class PathConfig(PluginConfig):
    """Parameters."""

    path: str
    """A file."""


class Demanding(_Adder):
    """Cannot be added without being asked: it has no default."""

    type_name = "demanding-producer"
    Config = PathConfig
    produces = ("demanded",)


class Thirsty(Scorer):
    """Consumes what it is told by its subclass."""

    type_name = "thirsty-scorer"
    consumes: ClassVar[tuple[str, ...]] = ("second",)

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """All alike."""
        del request
        return np.ones(len(candidates))


class Hopeless(Thirsty):
    """Consumes what nobody produces."""

    type_name = "hopeless-scorer"
    consumes = ("nothing-like-it",)


class Spoilt(Thirsty):
    """Consumes what needs parameters."""

    type_name = "spoilt-scorer"
    consumes = ("demanded",)


TROUBLE = Catalog(
    [
        *BUILT_IN,
        *(
            Entry(plugin, "here")
            for plugin in (
                First, Second, Egg, Hen, Rival, Demanding, Thirsty, Hopeless, Spoilt,
            )
        ),
    ]
)  # fmt: skip
