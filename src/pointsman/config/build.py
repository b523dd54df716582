"""From a plan to working plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.api.plugins import Filter, Picker, Producer, Scorer
from pointsman.scheduling.scheduler import Profile, Scheduler

if TYPE_CHECKING:
    from pointsman.api.plugins import Plugin, Surroundings
    from pointsman.config.plan import PickerPlan, PluginPlan, ProfilePlan


def build_scheduler(plan: PickerPlan, surroundings: Surroundings) -> Scheduler:
    """The scheduler of the plan's first profile, with every producer."""
    return build_schedulers(plan, surroundings)[0]


def build_schedulers(plan: PickerPlan, surroundings: Surroundings) -> tuple[Scheduler, ...]:
    """One scheduler for each profile; a plugin that several of them name is shared."""
    workshop = _Workshop(surroundings)
    made = [workshop.make(one) for one in plan.producers]
    producers = tuple(one for one in made if isinstance(one, Producer))
    return tuple(Scheduler(producers, workshop.profile(one)) for one in plan.profiles)


class _Workshop:
    """Constructs each named plugin once."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._made: dict[str, Plugin] = {}

    def make(self, plan: PluginPlan) -> Plugin:
        """The plugin of this name."""
        if plan.name not in self._made:
            self._made[plan.name] = plan.plugin(plan.config, self._surroundings)
        return self._made[plan.name]

    def profile(self, plan: ProfilePlan) -> Profile:
        """A profile with its plugins."""
        # The plan chose them by role: `isinstance` only tells the type checker so.
        filters = [self.make(one) for one in plan.filters]
        scorers = [(self.make(one), weight) for one, weight in plan.scorers]
        picker = self.make(plan.picker)
        assert isinstance(picker, Picker), f"{plan.picker.name} was resolved as a picker"
        return Profile(
            name=plan.name,
            filters=tuple(one for one in filters if isinstance(one, Filter)),
            scorers=tuple((one, weight) for one, weight in scorers if isinstance(one, Scorer)),
            picker=picker,
        )
