"""The report of `verify` as text."""

from safemigrate.model import (
    HistoryProof,
    Lock,
    LockMode,
    ObservedStatement,
    Outcome,
    QualifiedName,
    RevisionProof,
    RoundTrip,
    ServerVersion,
)
from safemigrate.report import format_proof, format_proofs

T = QualifiedName("public", "t")
INDEX = QualifiedName("public", "i")

PROVED = RevisionProof(
    "r1",
    "versions/r1.py",
    "Make t.",
    Outcome.OK,
    Outcome.OK,
    restored=True,
    upgrade_again=Outcome.OK,
    statements=(
        ObservedStatement(
            "ALTER TABLE t",
            1,
            1,
            (
                Lock(T, LockMode.SHARE),
                Lock(INDEX, LockMode.ACCESS_EXCLUSIVE),
                Lock(QualifiedName("public", "n"), LockMode.ACCESS_EXCLUSIVE, is_preexisting=False),
            ),
            minor=(INDEX,),
        ),
    ),
    duration_ms=12.4,
)
LEFT = RevisionProof(
    "r2",
    "versions/r2.py",
    "Leave things",
    Outcome.OK,
    Outcome.OK,
    restored=False,
    upgrade_again=Outcome.FAILED,
    differences=("+ index public.i",),
    notes=("column order of public.t: a, b -> b, a",),
    error="versions/r2.py:9: no (SQLSTATE 42710)",
    duration_ms=1.0,
)
UNTRIED = RevisionProof("r3", "versions/r3.py", "", Outcome.SKIPPED, error="not tried, because r2")


def report(*proofs: RevisionProof, round_trip: RoundTrip | None = None) -> str:
    return format_proofs(HistoryProof(proofs, "embedded", ServerVersion(18), round_trip))


def test_the_strongest_lock_is_one_that_somebody_waits_for() -> None:
    line = report(PROVED).splitlines()[1]

    assert line.split() == ["r1", "Make", "t", *"✓✓✓✓", "12", "ms", "SHARE", "on", "public.t"]


def test_every_failed_step_is_named_with_reason_differences_and_notes() -> None:
    blocks = report(PROVED, LEFT, UNTRIED).split("\n\n")

    assert blocks[1:3] == [
        (
            "r2 Leave things   versions/r2.py\n"
            "    the downgrade does not restore the schema; the second upgrade fails\n"
            "    versions/r2.py:9: no (SQLSTATE 42710)\n"
            "    + index public.i\n"
            "    note: column order of public.t: a, b -> b, a"
        ),
        "r3   versions/r3.py\n    not tried, because r2",
    ]
    assert blocks[-1] == (
        "Proved 1 of 3 revisions on PostgreSQL 18 (embedded)."
        " Not proved: 1 failed (r2) and 1 not tried (r3).\n"
    )


def test_a_failed_way_back_is_reported_although_every_revision_was_proved() -> None:
    trip = RoundTrip(is_ok=False, differences=("at base: + table public.t",))

    text = report(PROVED, round_trip=trip)

    assert "from head to base and back\n    at base: + table public.t\n" in text
    assert text.endswith(
        "Proved 1 revision on PostgreSQL 18 (embedded). The way from head to base and back fails.\n"
    )


def test_progress_is_one_line_without_a_full_stop_in_the_middle() -> None:
    assert format_proof(PROVED) == "r1 Make t: proved"
