from __future__ import annotations

from pointsman.plugins.producers.inflight_load import InflightLoadConfig, InflightLoadProducer


def test_expected_output_is_remarked_upon() -> None:
    assert InflightLoadProducer.remarks(InflightLoadConfig()) == ()
    remarks = InflightLoadProducer.remarks(InflightLoadConfig(add_estimated_output_tokens=True))
    assert "no effect" in remarks[0]
