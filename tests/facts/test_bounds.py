import pytest

from safemigrate.facts.bounds import excludes_bound, implies_bound
from safemigrate.model import PartitionBound

YEAR = PartitionBound(("'2023-01-01'",), ("'2024-01-01'",))
TENS = PartitionBound(("1",), ("10",))
LETTERS = PartitionBound(values=("'a'", "'b'"))


@pytest.mark.parametrize(
    ("check", "bound"),
    [
        ("at >= '2023-01-01' AND at < '2024-01-01'", YEAR),
        ("at >= '2023-01-01'::date AND at < '2024-01-01'::timestamp without time zone", YEAR),
        ("at IS NOT NULL AND (at >= '2023-01-01' AND at < '2024-01-01') AND id > 0", YEAR),
        ("at >= '2023-01-01'", PartitionBound(("'2023-01-01'",), (None,))),
        ("at IN ('a', 'b')", LETTERS),
        ("at = 'a'", LETTERS),
        ("at = ANY(ARRAY['b'::text, 'a'::text])", LETTERS),
    ],
)
def test_a_check_that_implies_the_bound(check: str, bound: PartitionBound) -> None:
    assert implies_bound(check, "at", bound)
    assert not excludes_bound(check, "at", bound)


@pytest.mark.parametrize(
    ("check", "bound"),
    [
        ("at > 100", TENS),
        ("at < 1 OR at >= 10", TENS),
        ("at >= 1 OR at < 10", TENS),
        ("at >= 1 AND at <= 10", TENS),
        ("at >= 10 AND at < 100", TENS),
        ("NOT (at >= 1 AND at < 10)", TENS),
        ("at IN ('a', 'b', 'c')", LETTERS),
        ("at IN ('a', 'b') OR id = 1", LETTERS),
        ("other IN ('a')", LETTERS),
        ("note = 'at = ''a''' AND at <> 'x'", LETTERS),
        ("lower(at) IN ('a')", LETTERS),
    ],
)
def test_a_check_that_does_not_imply_it(check: str, bound: PartitionBound) -> None:
    assert not implies_bound(check, "at", bound)


@pytest.mark.parametrize(
    ("check", "bound"),
    [
        ("NOT (at >= 1 AND at < 10)", TENS),
        ("NOT (at IS NOT NULL AND at >= 1 AND at < 10)", TENS),
        ("id > 0 AND NOT (at >= 1)", TENS),
        ("at < 1 OR at >= 10", TENS),
        ("(at >= 10) AND id > 0", TENS),
        ("NOT (at IN ('a', 'b', 'c'))", LETTERS),
        ("at NOT IN ('b', 'a')", LETTERS),
    ],
)
def test_a_check_that_excludes_the_bound(check: str, bound: PartitionBound) -> None:
    assert excludes_bound(check, "at", bound)


@pytest.mark.parametrize(
    ("check", "bound"),
    [
        ("NOT (at >= 1 AND at < 5)", TENS),
        ("NOT (at >= 1 AND at < 10 AND id > 0)", TENS),
        ("at < 1 OR at >= 10 OR id > 0", TENS),
        ("at < 2 OR at >= 10", TENS),
        ("at <> 'a'", LETTERS),
        ("NOT (at IN ('a'))", LETTERS),
        ("NOT (at IN ('a', 'b') AND id > 0)", LETTERS),
    ],
)
def test_a_check_that_does_not_exclude_it(check: str, bound: PartitionBound) -> None:
    assert not excludes_bound(check, "at", bound)
