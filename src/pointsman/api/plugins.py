"""The four kinds of scheduling plugin. Each is one file: docstring, `Config`, class.

A plugin is a plain function over columns. It never waits, never changes what it is given, and is
the same in a live picker, in shadow and in replay.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray, FloatArray
    from pointsman.domain.requests import InferenceRequest
    from pointsman.lib.clock import Clock


class PluginConfig(BaseModel):
    """Parameters of a plugin: strict, frozen, every field with unit and default in its text."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


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
        Config: its parameters.
    """

    type_name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str]
    Config: ClassVar[type[PluginConfig]] = PluginConfig

    def __init__(self, config: Any, surroundings: Surroundings) -> None:  # Any: the class's Config
        self.config = config
        self.surroundings = surroundings


class Producer(Plugin):
    """Finds out something about a request and its candidates before filters and scorers run."""

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
    consumes: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """Which candidates stay, shape (n_candidates,)."""


class Scorer(Plugin):
    """Says how good each candidate is."""

    kind = "scorer"
    consumes: ClassVar[tuple[str, ...]] = ()

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
