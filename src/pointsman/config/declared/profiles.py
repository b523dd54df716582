"""Which scheduling profiles a request runs through."""

from __future__ import annotations

from pointsman.api.plugins import Declared


class SingleProfile(Declared):
    """Runs the only scheduling profile for every request."""

    type_name = "single-profile-handler"
    kind = "profile-handler"
