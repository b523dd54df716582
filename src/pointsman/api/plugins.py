"""The four kinds of scheduling plugin. Each is one file: docstring, `Config`, class.

A plugin is a plain function over columns. It never waits, never changes what it is given, and is
the same in a live picker, in shadow and in replay. Names that a configuration document mentions
but whose work another room does (parsers, sources, discovery) are `Declared`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray, FloatArray
    from pointsman.domain.requests import InferenceRequest
    from pointsman.lib.clock import Clock


class PluginConfig(BaseModel):
    """Parameters of a plugin: strict, frozen, every field with unit and default in its text.

    A field is `snake_case` in Python and `camelCase` in a document; the string below a field is
    its documentation. A field without a default carries `Field(examples=[...])`: documentation
    and tests use the first one.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        populate_by_name=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


@dataclass(frozen=True, slots=True)
class RefersTo:
    """Mark of a parameter that names another plugin: `Annotated[str, RefersTo("producer")]`.

    Attributes:
        kind: what the named plugin must be; an empty parameter refers to nothing.
    """

    kind: str


class PrefixIndex(Protocol):
    """Which endpoints hold which prompt prefixes; owned by the data layer."""

    def match(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """Prompt tokens of `request` that each candidate has cached, shape (n_candidates,)."""
        ...

    def record(self, request: InferenceRequest, slot: int) -> None:
        """`slot` is about to compute and cache this prompt."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every plugin may use of the world.

    Attributes:
        clock: the time.
        rng: chance, seeded once per process.
        prefix_index: who has cached which prefix.
    """

    clock: Clock
    rng: random.Random
    prefix_index: PrefixIndex


class Plugin(ABC):
    """A named piece of policy.

    Class attributes:
        type_name: name in configuration files; upstream's where upstream has the plugin.
        aliases: older names that are still accepted.
        kind: what it is; the base class says it.
        consumes: features it reads; a producer of each runs before it, added if none is configured.
        Config: its parameters.
    """

    type_name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    consumes: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str]
    Config: ClassVar[type[PluginConfig]] = PluginConfig

    def __init__(self, config: Any, surroundings: Surroundings) -> None:  # Any: the class's Config
        self.config = config
        self.surroundings = surroundings

    @classmethod
    def remarks(cls, config: Any) -> tuple[str, ...]:  # Any: the class's Config
        """What whoever wrote these parameters should know, such as one that changes nothing."""
        del config
        return ()


class Declared(Plugin):
    """A name and its parameters for work that another room does; never constructed."""


class Producer(Plugin):
    """Finds out something about a request and its candidates before filters and scorers run.

    Class attributes:
        produces: names of the features it adds; `api.candidates` names the shared ones.
    """

    kind = "producer"
    produces: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def produce(
        self, request: InferenceRequest, candidates: Candidates
    ) -> Mapping[str, FloatArray]:
        """Features by name, each of shape (n_candidates,)."""

    def picked(self, request: InferenceRequest, slot: int) -> None:
        """The request goes to this slot; remember what is worth remembering."""


class Filter(Plugin):
    """Rules candidates out."""

    kind = "filter"

    @abstractmethod
    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """Which candidates stay, shape (n_candidates,)."""


class Scorer(Plugin):
    """Says how good each candidate is."""

    kind = "scorer"

    @abstractmethod
    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """Scores in [0, 1], 1 is best, shape (n_candidates,)."""


class Picker(Plugin):
    """Chooses from scored candidates."""

    kind = "picker"

    @abstractmethod
    def pick(self, scores: FloatArray) -> Sequence[int]:
        """Positions of the chosen candidates, best first, without duplicates, at least one.

        `scores` has shape (n_candidates,) and at least one element; values are finite and >= 0.
        """
