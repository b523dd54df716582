"""The text behind `pointsman envoy-config`."""

from __future__ import annotations

import json
import subprocess
import sys

from pointsman.apps.envoy_config import envoy_config
from pointsman.domain.endpoints import Address
from pointsman.envoy.settings import EnvoySettings

SETTINGS = EnvoySettings((Address("10.0.0.1", 8000),))


def test_json_is_the_default_documents_twin() -> None:
    document = json.loads(envoy_config(SETTINGS, text_format="json"))
    assert document["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"
    assert envoy_config(SETTINGS).startswith("static_resources:\n")


def test_nothing_heavy_is_imported_before_the_first_call() -> None:
    code = "import sys, pointsman.apps.envoy_config; sys.exit('envoy_data_plane' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
