"""What the operator reads when a run does not reach its end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from safemigrate.errors import (
    InterruptedRunError,
    LockTimeoutError,
    RevisionFailedError,
    RunStoppedError,
)
from safemigrate.execute import (
    Blocker,
    LockWait,
    describe_blocker,
    describe_duration,
    describe_wait,
)
from safemigrate.execute.blockers import shorten_query
from safemigrate.execute.failures import Cause, Failure
from safemigrate.execute.outcome import Changes, Effort, explain_failure, explain_stop

BLOCKER = Blocker(
    pid=17,
    user="app",
    application="web",
    state="idle in transaction",
    backend_type="client backend",
    age=timedelta(seconds=35),
    query="SELECT 1",
)
WAIT = LockWait("orders", "ACCESS EXCLUSIVE", (BLOCKER,))
EFFORT = Effort(WAIT, 3, timedelta(seconds=12))


def failure(cause: Cause) -> Failure:
    return Failure(cause, "55P03", "canceling statement", "ALTER TABLE orders", "a.py:7")


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        (Cause.LOCK_TIMEOUT, LockTimeoutError),
        (Cause.DEADLOCK, LockTimeoutError),
        (Cause.DISCONNECT, RunStoppedError),
        (Cause.CANCEL, RevisionFailedError),
        (Cause.STATEMENT, RevisionFailedError),
        (Cause.CODE, RevisionFailedError),
    ],
)
def test_the_error_depends_on_the_cause_while_nothing_is_changed(
    cause: Cause, kind: type[Exception]
) -> None:
    assert type(explain_failure("1a2b", failure(cause), Changes(), EFFORT)) is kind
    changed = explain_failure("1a2b", failure(cause), Changes(("0",)), EFFORT)
    assert isinstance(changed, InterruptedRunError)
    assert 'applied in this run and kept: "0"' in changed.hint


def test_the_exit_code_of_a_stop_depends_on_what_was_changed() -> None:
    assert explain_stop("stopped", "", Changes()).exit_code == 3
    assert explain_stop("stopped", "", Changes(("0",))).exit_code == 4
    assert explain_stop("stopped", "1", Changes(committed=("SELECT 1",))).exit_code == 4
    assert explain_stop("stopped", "1", Changes(is_in_doubt=True)).exit_code == 4


@pytest.mark.parametrize("cause", list(Cause))
def test_a_revision_an_earlier_run_left_half_done_is_never_told_as_unchanged(cause: Cause) -> None:
    changes = Changes(leftover=("CREATE TABLE t",))
    for error in (
        explain_failure("1a2b", failure(cause), changes, EFFORT),
        explain_stop("stopped", "1a2b", changes),
    ):
        assert error.exit_code == 4
        assert 'of revision "1a2b" an earlier run had committed: CREATE TABLE t; ' in error.hint
        assert "nothing was changed" not in error.hint


@pytest.mark.parametrize(
    ("cause", "sqlstate", "way_on"),
    [
        (Cause.STATEMENT, "23505", "put its cause right, then run it again"),
        (Cause.CODE, "", "put its cause right, then run it again"),
        (Cause.STATEMENT, "40001", "run it again"),
        (Cause.CANCEL, "57014", "run it again"),
        (Cause.DISCONNECT, "57P01", "run it again"),
        (Cause.LOCK_TIMEOUT, "55P03", "run it again"),
    ],
)
def test_what_would_fail_again_is_to_be_put_right_before_it_is_run_again(
    cause: Cause, sqlstate: str, way_on: str
) -> None:
    failed = replace(failure(cause), sqlstate=sqlstate)
    changes = Changes(committed=("CREATE TABLE t",), resumes_after=1)

    error = explain_failure("1a2b", failed, changes, EFFORT)

    assert error.exit_code == 4
    assert f"; {way_on}: it goes on after statement 1; " in error.hint


def test_autovacuum_in_the_way_is_told_with_its_cure() -> None:
    worker = replace(BLOCKER, backend_type="autovacuum worker")
    effort = replace(EFFORT, wait=replace(WAIT, blockers=(worker,)))
    error = explain_failure("1a2b", failure(Cause.LOCK_TIMEOUT), Changes(), effort)
    assert "autovacuum, transaction open for 35.0 s" in error.hint
    assert "run it again when it is done" in error.hint


def test_a_blocker_nobody_saw_is_not_made_up() -> None:
    effort = replace(EFFORT, wait=None)
    error = explain_failure("1a2b", failure(Cause.LOCK_TIMEOUT), Changes(), effort)
    assert "gave up waiting for a lock, after 3 attempts in 12.0 s" in error.message
    assert "held by" not in error.hint


def test_what_cannot_be_seen_of_a_blocker_is_left_out() -> None:
    assert describe_blocker(Blocker(9, "", "", "", "", None, "")) == "pid 9"
    assert "prepared transaction" in describe_blocker(Blocker(0, "", "", "", "", None, ""))
    assert describe_wait(LockWait(None, "SHARE", (BLOCKER,))) == "another transaction to end"


def test_a_query_is_one_short_line_without_a_password() -> None:
    assert shorten_query("SELECT\n  1") == "SELECT 1"
    assert shorten_query("ALTER ROLE a PASSWORD 'it''s secret'") == "ALTER ROLE a PASSWORD '***'"
    assert shorten_query("CREATE ROLE a password 'cut off in the mid") == (
        "CREATE ROLE a password '***'"
    )
    assert len(shorten_query("SELECT " + "x" * 200)) == 80


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0354, "35 ms"),
        (0.9994, "999 ms"),
        (1.2, "1.2 s"),
        (59.97, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_is_told_in_fitting_units(seconds: float, text: str) -> None:
    assert describe_duration(timedelta(seconds=seconds)) == text
