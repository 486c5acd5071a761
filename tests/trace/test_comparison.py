"""Predictions compared with observations."""

import pytest

from safemigrate.model import Certainty, Facts, Lock, LockMode, ObservedStatement, QualifiedName
from safemigrate.trace import compare

T = QualifiedName("public", "t")
I = QualifiedName("public", "t_i")  # noqa: E741 - an index


def observed(  # one statement that altered `t`
    *locks: Lock,
    sql: str = "ALTER TABLE t",
    held: tuple[Lock, ...] = (),
    minor: tuple[QualifiedName, ...] = (),
    rewrites: tuple[QualifiedName, ...] = (),
    scans: tuple[QualifiedName, ...] = (),
    certainty: Certainty = Certainty.KNOWN,
    error: str | None = None,
) -> ObservedStatement:
    return ObservedStatement(sql, 1, 1, locks, held, minor, rewrites, scans, certainty, error)


EXCLUSIVE = Lock(T, LockMode.ACCESS_EXCLUSIVE)
SHARE = Lock(T, LockMode.SHARE)


@pytest.mark.parametrize(
    ("predicted", "seen"),
    [
        pytest.param(Facts(), observed(), id="nothing"),
        pytest.param(Facts((EXCLUSIVE,)), observed(EXCLUSIVE), id="same lock"),
        pytest.param(
            Facts((Lock(QualifiedName(None, "t"), LockMode.SHARE),)),
            observed(SHARE),
            id="a name without a schema is of public",
        ),
        pytest.param(
            Facts((SHARE,)), observed(held=(EXCLUSIVE,)), id="a stronger mode is held already"
        ),
        pytest.param(
            Facts((EXCLUSIVE,)),
            observed(EXCLUSIVE, Lock(I, LockMode.ACCESS_EXCLUSIVE), minor=(I,)),
            id="an index nobody can reach",
        ),
        pytest.param(
            Facts(),
            observed(Lock(T, LockMode.ACCESS_EXCLUSIVE, is_preexisting=False)),
            id="a new relation",
        ),
        pytest.param(
            Facts(rewrites=(T,)), observed(rewrites=(T,), scans=(T,)), id="a rewrite reads"
        ),
        pytest.param(
            Facts(), observed(sql="UPDATE t SET a = 1", scans=(T,)), id="the planner's choice"
        ),
        pytest.param(
            Facts((EXCLUSIVE,), (T,), (T,), certainty=Certainty.UNKNOWN),
            observed(SHARE),
            id="the stronger possibility was stated",
        ),
        pytest.param(
            Facts((SHARE,), scans=(T,)),
            observed(certainty=Certainty.ASSUMED),
            id="the observation may have missed it",
        ),
        pytest.param(
            Facts((SHARE,), errors=("no such column",)),
            observed(error="42703: no"),
            id="refused as predicted",
        ),
    ],
)
def test_no_difference(predicted: Facts, seen: ObservedStatement) -> None:
    assert compare(predicted, seen) == ()


@pytest.mark.parametrize(
    ("predicted", "seen", "difference"),
    [
        (Facts((SHARE,)), observed(), "lock on public.t: SHARE predicted, none observed"),
        (
            Facts((EXCLUSIVE,)),
            observed(SHARE),
            "lock on public.t: ACCESS EXCLUSIVE predicted, SHARE observed",
        ),
        (
            Facts((SHARE,)),
            observed(EXCLUSIVE, certainty=Certainty.ASSUMED),
            "lock on public.t: SHARE predicted, ACCESS EXCLUSIVE observed",
        ),
        (Facts(), observed(SHARE), "lock on public.t: SHARE observed, none predicted"),
        (
            Facts((EXCLUSIVE,)),
            observed(held=(SHARE,)),
            "lock on public.t: ACCESS EXCLUSIVE predicted, none observed",
        ),
        (Facts(rewrites=(T,)), observed(), "rewrite of public.t: predicted, not observed"),
        (Facts(), observed(rewrites=(T,)), "rewrite of public.t: observed, not predicted"),
        (Facts(scans=(T,)), observed(), "scan of public.t: predicted, not observed"),
        (Facts(), observed(scans=(T,)), "scan of public.t: observed, not predicted"),
        (
            Facts(),
            observed(error="42703: no"),
            "the server refuses the statement, which was not predicted: 42703: no",
        ),
        (
            Facts(errors=("no such column",)),
            observed(),
            "predicted that the server refuses the statement, it does not: no such column",
        ),
    ],
)
def test_a_difference_is_named(predicted: Facts, seen: ObservedStatement, difference: str) -> None:
    assert compare(predicted, seen) == (difference,)
