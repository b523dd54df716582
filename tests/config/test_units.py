from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from pointsman.config.units import DurationS, Quantity, parse_quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0), ("5000", 5_000), ("10Gi", 10 << 30), ("1.5Ki", 1_536), ("1k", 1_000),
        ("2M", 2_000_000), ("1e3", 1_000), ("1E", 10**18), ("100m", 1), ("2500m", 3), (" 7 ", 7),
    ],
)  # fmt: skip
def test_a_quantity_is_what_kubernetes_takes_it_for(text: str, value: int) -> None:
    assert parse_quantity(text) == value


@pytest.mark.parametrize("text", ["", "-1", "1KB", "ki", "1 Gi", "0x10", "1e999", "NaN"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


@pytest.mark.parametrize(("value", "amount"), [(5, 5), ("5k", 5_000)])
def test_a_quantity_may_be_a_number_or_a_text(value: object, amount: int) -> None:
    assert TypeAdapter(Quantity).validate_python(value) == amount


@pytest.mark.parametrize("value", [True, [], -5, "x"])
def test_other_values_are_no_quantities(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Quantity).validate_python(value)


def test_a_duration_is_a_text_with_a_unit() -> None:
    adapter = TypeAdapter(DurationS)
    assert adapter.validate_python("1m30s") == 90
    for wrong in (60, "60", "-1s", "soon"):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
