"""Scheduling profiles: which filters, scorers and picker make a pick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.api.plugins import Filter, Picker, Scorer
from pointsman.config.document import ProfilePlugin, SchedulingProfile
from pointsman.config.plan import PluginPlan, ProfilePlan

if TYPE_CHECKING:
    from pointsman.config.document import Document
    from pointsman.config.findings import Path
    from pointsman.config.scope import Scope

DEFAULT_SCORER = "token-cost-scorer"
"""Policy of a document that names no scorer and no picker; needs no weights."""
DEFAULT_PICKER = "max-score-picker"
_ROLES = (Filter, Scorer, Picker)


def resolve_profiles(document: Document, scope: Scope) -> tuple[ProfilePlan, ...]:
    """The profiles as listed; else one, `default`, of every filter, scorer and picker there is."""
    profiles = document.scheduling_profiles
    if not profiles:
        profiles = (_everything(scope),)
    _check_names(profiles, scope)
    _check_handlers(profiles, scope)
    plans = [
        _profile(profile, scope, path=("schedulingProfiles", position))
        for position, profile in enumerate(profiles)
    ]
    return tuple(plan for plan in plans if plan is not None)


def _everything(scope: Scope) -> SchedulingProfile:
    listed = [plan for plan in scope if issubclass(plan.plugin, _ROLES)]
    names = [plan.name for plan in listed]
    if not any(issubclass(plan.plugin, Scorer | Picker) for plan in listed):
        added = scope.add(DEFAULT_SCORER, path=())
        names += [added.name] if added is not None else []
    return SchedulingProfile(
        name="default", plugins=tuple(ProfilePlugin(pluginRef=name) for name in names)
    )


def _check_names(profiles: tuple[SchedulingProfile, ...], scope: Scope) -> None:
    seen: set[str] = set()
    for position, profile in enumerate(profiles):
        if profile.name in seen:
            path = ("schedulingProfiles", position, "name")
            scope.findings.problem(path, f"two profiles are called {profile.name!r}")
        seen.add(profile.name)


def _check_handlers(profiles: tuple[SchedulingProfile, ...], scope: Scope) -> None:
    handlers = [plan for plan in scope if plan.plugin.kind == "profile-handler"]
    for handler in handlers[1:]:
        scope.findings.problem(
            scope.place(handler),
            f"only one profile handler is allowed, beside {handlers[0].name!r}",
        )
    if len(profiles) <= 1:
        return
    if any(handler.plugin.type_name == "single-profile-handler" for handler in handlers):
        scope.findings.problem(
            ("schedulingProfiles",), "single-profile-handler takes exactly one profile"
        )
    else:
        scope.findings.warning(
            ("schedulingProfiles",),
            f"only {profiles[0].name!r} is used: choosing among profiles has no effect yet",
        )


def _profile(profile: SchedulingProfile, scope: Scope, *, path: Path) -> ProfilePlan | None:
    filters: list[PluginPlan] = []
    scorers: list[tuple[PluginPlan, float]] = []
    pickers: list[PluginPlan] = []
    for position, member in enumerate(profile.plugins):
        where = (*path, "plugins", position)
        plan = scope.follow(member.plugin_ref, path=(*where, "pluginRef"))
        if plan is None:
            continue
        if issubclass(plan.plugin, Filter):
            filters.append(plan)
        if issubclass(plan.plugin, Scorer):
            scorers.append((plan, 1.0 if member.weight is None else member.weight))
        if issubclass(plan.plugin, Picker):
            pickers.append(plan)
        _check_member(member, plan, scope=scope, where=where)
    for second in pickers[1:]:
        message = f"two pickers, {pickers[0].name!r} and {second.name!r}; a profile has one"
        scope.findings.problem((*path, "plugins"), message)
    picker = pickers[0] if pickers else _default_picker(scope)
    if picker is None:
        return None
    return ProfilePlan(profile.name, tuple(filters), tuple(scorers), picker)


def _check_member(member: ProfilePlugin, plan: PluginPlan, *, scope: Scope, where: Path) -> None:
    if not issubclass(plan.plugin, _ROLES):
        scope.findings.warning(
            where, f"{plan.name!r} is of kind {plan.plugin.kind}: it needs no place in a profile"
        )
    elif member.weight is not None and not issubclass(plan.plugin, Scorer):
        scope.findings.warning(
            (*where, "weight"), f"{plan.name!r} is of kind {plan.plugin.kind}: only scorers weigh"
        )


def _default_picker(scope: Scope) -> PluginPlan | None:
    """A picker of the document, wherever it is used; else the one with the highest score."""
    declared = (plan for plan in scope if issubclass(plan.plugin, Picker))
    return next(declared, None) or scope.add(DEFAULT_PICKER, path=())
