"""`pointsman envoy-config` as the command line calls it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.errors import BadUsageError
from pointsman.discovery.document import EndpointsFileError, parse_endpoints

if TYPE_CHECKING:
    from pointsman.apps.envoy_flags import EnvoyFlags
    from pointsman.domain.endpoints import Address


def print_config(flags: EnvoyFlags) -> None:
    """Write the document to standard output.

    Raises:
        BadUsageError: the endpoints file or a value is wrong.
    """
    try:
        settings = flags.settings(_endpoints(flags))
    except EndpointsFileError as error:
        raise BadUsageError(f"{flags.endpoints_file}: {each}" for each in error.problems) from error
    except ValueError as error:
        raise BadUsageError(str(error).splitlines()) from error
    sys.stdout.write(
        envoy_config(settings, text_format="json" if flags.text_format == "json" else "yaml")
    )


def _endpoints(flags: EnvoyFlags) -> tuple[Address, ...]:
    if flags.endpoints_file is None:
        return flags.endpoints
    return tuple(each.address for each in parse_endpoints(flags.endpoints_file.read_bytes()))
