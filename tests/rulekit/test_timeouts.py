"""Timeouts as the server reads them."""

import pytest

from safemigrate.rulekit import read_milliseconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, 0),
        ("0", 0),
        ("0ms", 0),
        ("250", 250),
        ("2s", 2_000),
        (" 1.5 s ", 1_500),
        ("500us", 0.5),
        ("1min", 60_000),
        ("1h", 3_600_000),
        ("1d", 86_400_000),
        ("1.2.3", None),
        ("2 weeks", None),
        ("", None),
        ("-1", None),
    ],
)
def test_a_timeout_is_read_with_its_unit(value: str | None, expected: float | None) -> None:
    assert read_milliseconds(value) == expected
