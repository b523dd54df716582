"""What the pipeline hands to the edge that speaks with the proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.domain.requests import RequestHead
    from pointsman.domain.responses import Ending


class ResponseWatch(Protocol):
    """Follows one request from its pick to its end; closing it releases the lease.

    Nobody else holds the lease: whoever received the decision must close the watch, however the
    stream ends. Closing twice is the same as closing once. No method raises or waits.
    """

    def started(self, headers: Mapping[str, str], *, served: str | None) -> None:
        """Response headers arrived: `:status`, `content-type` and the rest, names lower-cased.

        `served` is the endpoint that the proxy says it used, if it says so.
        """
        ...

    def body(self, chunk: bytes) -> None:
        """A piece of the response body, in order; only called where the body is observed."""
        ...

    def close(self, ending: Ending) -> None:
        """The stream is over for us."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a request goes, and what must change on its way.

    Attributes:
        destination: `ip:port`, or a comma-separated list in fallback order; IPv6 in brackets.
        watch: must be closed by whoever receives this.
        body: replaces the request body; None forwards the original bytes.
        set_headers: further request headers to set (lower-case names), overwriting the client's.
    """

    destination: str
    watch: ResponseWatch
    body: bytes | None = None
    set_headers: tuple[tuple[str, str], ...] = ()


class Director(Protocol):
    """The one function of a request, as the proxy's edge sees it."""

    def decide(self, head: RequestHead, body: bytes) -> Decision:
        """Choose an endpoint for a complete request; `body` is empty for header-only requests.

        Raises:
            RequestError: the request must be answered with an error instead.
        """
        ...

    def decide_unread(self, head: RequestHead, body: bytes = b"") -> Decision:
        """Choose without understanding the body: it is withheld, truncated, or still to come.

        Raises:
            RequestError: the request must be answered with an error instead.
        """
        ...
