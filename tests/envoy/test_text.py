"""Printing with Envoy's own field names."""

from __future__ import annotations

import json

import yaml
from envoy_data_plane.envoy.config.cluster.v3 import OutlierDetection

from pointsman.envoy.text import TextFormat, to_text


def test_field_names_are_envoys_even_where_a_digit_stands_before_letters() -> None:
    message = OutlierDetection(consecutive_5xx=7, enforcing_consecutive_5xx=0)
    expected = {"consecutive_5xx": 7, "enforcing_consecutive_5xx": 0}
    assert yaml.safe_load(to_text(message, TextFormat.YAML)) == expected
    assert json.loads(to_text(message, TextFormat.JSON)) == expected


def test_unset_fields_are_left_out() -> None:
    assert to_text(OutlierDetection(), TextFormat.YAML) == "{}\n"
