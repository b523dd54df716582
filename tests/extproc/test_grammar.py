from __future__ import annotations

import pytest

from pointsman.extproc.events import BodyMode, ProtocolError
from pointsman.extproc.grammar import At, Part, following

LEGAL = {
    (At.START, Part.HEADERS): At.OPEN,
    (At.START, Part.LAST_HEADERS): At.CLOSED,
    (At.OPEN, Part.BODY): At.OPEN,
    (At.OPEN, Part.LAST_BODY): At.CLOSED,
    (At.OPEN, Part.TRAILERS): At.DONE,
    (At.CLOSED, Part.TRAILERS): At.DONE,
}
SKIPPING = {
    (At.START, Part.BODY): At.OPEN,
    (At.START, Part.LAST_BODY): At.CLOSED,
    (At.START, Part.TRAILERS): At.DONE,
}


@pytest.mark.parametrize("mode", list(BodyMode))
@pytest.mark.parametrize("at", list(At))
@pytest.mark.parametrize("part", list(Part))
def test_what_may_follow_is_exactly_this(mode: BodyMode, at: At, part: Part) -> None:
    """Headers can be skipped, except where nothing else could direct the request."""
    legal = LEGAL if mode is BodyMode.FULL_DUPLEX_STREAMED else LEGAL | SKIPPING
    expected = legal.get((at, part))
    if expected is None:
        with pytest.raises(ProtocolError, match=f"request: {part.name} cannot follow {at.name}"):
            following(at, part, mode=mode, direction="request")
    else:
        assert following(at, part, mode=mode, direction="request") is expected
