"""The whole document: golden files are the specification, and a real Envoy accepts each of them.

`python tests/envoy/test_bootstrap.py` writes the golden files anew; read the difference.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.envoy_process import envoy_binary
from pointsman.domain.endpoints import Address
from pointsman.envoy.settings import Balancing, Dialect, EnvoySettings, PickerSettings

GOLDEN = Path(__file__).parent / "golden"
ENDPOINTS = (Address("10.0.0.1", 8000), Address("10.0.0.2", 8000), Address("fd00::3", 8000))

CASES = {
    "default": EnvoySettings(ENDPOINTS),
    "fail-open": EnvoySettings(ENDPOINTS, picker=PickerSettings(fail_open=True)),
    "verified-picker-by-name": EnvoySettings(
        ENDPOINTS,
        picker=PickerSettings(
            host="picker.example",
            ca_file="picker-ca.pem",
            server_name="picker.example",
            has_health_check=True,
        ),
    ),
    "plaintext-picker-no-sample": EnvoySettings(
        ENDPOINTS, picker=PickerSettings(has_tls=False, observed_share=0.0)
    ),
    "no-picker": EnvoySettings(
        ENDPOINTS, picker=None, fallback=Balancing.ROUND_ROBIN, retries_max=0
    ),
    "grpc-engines-with-log": EnvoySettings(
        ENDPOINTS,
        listener=Address("::", 8081),
        has_http2_upstream=True,
        access_log="/dev/stdout",
        served_by_header="x-served-by",
    ),
    **{dialect.value: EnvoySettings(ENDPOINTS, dialect=dialect) for dialect in Dialect},
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_prints_what_its_golden_file_says(name: str) -> None:
    assert (GOLDEN / f"{name}.yaml").read_text() == envoy_config(CASES[name])


def test_every_golden_file_has_its_case() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == set(CASES)


@pytest.mark.integration
@pytest.mark.parametrize("name", CASES)
def test_a_real_envoy_accepts(name: str, tmp_path: Path) -> None:
    text = (GOLDEN / f"{name}.yaml").read_text()
    (tmp_path / "picker-ca.pem").write_text(CERTIFICATE)
    config = tmp_path / "envoy.yaml"
    config.write_text(text.replace("picker-ca.pem", str(tmp_path / "picker-ca.pem")))
    ran = subprocess.run(
        [envoy_binary(), "--mode", "validate", "-c", config, "--log-level", "warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "deprecated" not in ran.stderr


addresses = st.builds(
    Address,
    st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)),
    st.integers(1, 65535),
)
pickers = st.builds(
    PickerSettings,
    port=st.integers(1, 65535),
    has_tls=st.booleans(),
    fail_open=st.booleans(),
    observed_share=st.floats(0, 1),
    message_timeout_s=st.floats(0.001, 600),
)
choices = st.builds(
    EnvoySettings,
    st.lists(addresses, min_size=1, max_size=5, unique=True).map(tuple),
    picker=st.none() | pickers,
    dialect=st.none() | st.sampled_from(Dialect),
    fallback=st.sampled_from(Balancing),
    retries_max=st.integers(0, 10),
    body_bytes_max=st.integers(1, 2**31 - 1),
)


@settings(max_examples=15)  # each prints and reads two documents, about 0.2 s
@given(choices)
def test_both_formats_say_the_same_and_every_endpoint_is_named_once(chosen: EnvoySettings) -> None:
    document = yaml.safe_load(envoy_config(chosen))
    assert document == yaml.safe_load(envoy_config(chosen, text_format="json"))
    clusters = {each["name"]: each for each in document["static_resources"]["clusters"]}
    assert clusters.keys() == ({"pool"} if chosen.picker is None else {"pool", "picker"})
    [locality] = clusters["pool"]["load_assignment"]["endpoints"]
    sockets = [each["endpoint"]["address"]["socket_address"] for each in locality["lb_endpoints"]]
    assert [Address(each["address"], each["port_value"]) for each in sockets] == list(
        chosen.endpoints
    )


CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBHjCBx6ADAgECAgEBMAoGCCqGSM49BAMCMBkxFzAVBgNVBAMMDnBpY2tlci5l
eGFtcGxlMCAXDTI0MDEwMTAwMDAwMFoYDzIxMjQwMTAxMDAwMDAwWjAZMRcwFQYD
VQQDDA5waWNrZXIuZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDXD
vPLLRabGwt55aFa75EgF4HN1/8/6XdOOsisazKt0tWgYY60mnO3gLMtKWNHw3zel
P1PmspaDUcxFZoqiAnYwCgYIKoZIzj0EAwIDRgAwQwIfKLSTsWlAyERtKOfQ7Dzg
JJhAEmb/KzuL85n42rQOIwIgTOARP5PtZTcMM7upAev1o/K8sVySQVB0dfJGv466
i5w=
-----END CERTIFICATE-----
"""


if __name__ == "__main__":
    for case, chosen_settings in CASES.items():
        (GOLDEN / f"{case}.yaml").write_text(envoy_config(chosen_settings))
