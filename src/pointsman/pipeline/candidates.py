"""Which endpoints a request may go to: the gateway's subset hint, and who can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pointsman.api.signals import Signal
from pointsman.domain.endpoints import Address, normalised_ip
from pointsman.domain.errors import NoEndpointsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pointsman.api.candidates import Candidates


class EndpointDirectory(Protocol):
    """What locating needs of the endpoint table."""

    @property
    def has_unreachable(self) -> bool:
        """Some endpoint does not answer."""
        ...

    def candidates(self, now_s: float) -> Candidates:
        """Every endpoint."""
        ...

    def candidates_in(self, slots: Iterable[int], now_s: float) -> Candidates:
        """The endpoints in these slots."""
        ...

    def slot_at(self, address: Address) -> int | None:
        """The slot of the endpoint at this address."""
        ...

    def slots_on(self, host: str) -> tuple[int, ...]:
        """The slots of every port of this IP address."""
        ...


def locate(
    directory: EndpointDirectory, subset: tuple[str, ...] | None, *, now_s: float
) -> Candidates:
    """The endpoints this request may go to, at least one.

    A subset of None means the whole pool. `ip:port` names one endpoint, a bare IP every port of it;
    whatever else stands in the hint names nothing, and never widens it. Endpoints that cannot be
    reached are left out unless nothing else remains: then a try is better than an error.

    Raises:
        NoEndpointsError: the pool is empty, or nothing in the subset is in the pool.
    """
    if subset is None:
        candidates = directory.candidates(now_s)
        if not len(candidates):
            raise NoEndpointsError("no model server is ready")
    else:
        slots = [slot for entry in subset for slot in _slots_named(directory, entry)]
        if not slots:
            raise NoEndpointsError("no model server of the requested subset is ready")
        candidates = directory.candidates_in(slots, now_s)
    if not directory.has_unreachable:
        return candidates
    reachable = candidates.column(Signal.UNREACHABLE) == 0
    if reachable.all() or not reachable.any():
        return candidates
    return candidates.where(reachable)


def _slots_named(directory: EndpointDirectory, entry: str) -> tuple[int, ...]:
    text = entry.strip()
    try:
        slot = directory.slot_at(Address.parse(text))
    except ValueError:
        try:
            return directory.slots_on(normalised_ip(text.removeprefix("[").removesuffix("]")))
        except ValueError:
            return ()
    return () if slot is None else (slot,)
