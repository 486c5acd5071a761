"""The history is a table where there is room, and some lines for each run where there is not."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from safemigrate.execute import HistoryLine
from safemigrate.journal import Entry, Outcome, Resumed
from safemigrate.model import Direction
from safemigrate.report import leave_plain
from safemigrate.report.history import format_history

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
WHEN = f"{AT.astimezone():%Y-%m-%d %H:%M:%S}"
PLAIN = Entry(
    number=1,
    revision="1a2b",
    direction=Direction.UPGRADE,
    outcome=Outcome.APPLIED,
    started_at=AT,
    finished_at=AT,
    duration=timedelta(seconds=12),
    attempts=1,
    waited=timedelta(),
    database_user="deploy",
    os_user="alice",
    host="ci-7",
    package_version="0.1.0",
    error="",
    committed=(),
    override="",
)
RICH = replace(
    PLAIN,
    attempts=3,
    waited=timedelta(seconds=11),
    stalled=timedelta(milliseconds=20),
    git_commit="0123456789abcdef",
    ci_run="4711",
    blockers=("pid 17 (user app)",),
    override="the table is empty",
)
FAILED = replace(PLAIN, outcome=Outcome.FAILED, error="it\n broke", committed=("CREATE INDEX i",))


def lines(*entries: Entry, width: int | None = None) -> list[str]:
    found = [HistoryLine(entry, "add a column") for entry in entries]
    return format_history(found, leave_plain, width).splitlines()


def test_a_table_has_no_column_that_nobody_has_anything_in() -> None:
    head, row, _, last = lines(PLAIN)
    assert head.split() == ["when", "revision", "took", "by", "on", "version", "message"]
    assert re.split(r" {2,}", row) == [
        WHEN,
        "1a2b",
        "upgrade",
        "12.0 s",
        "alice as deploy",
        "ci-7",
        "0.1.0",
        "add a column",
    ]
    assert last == "1 run"


def test_a_table_has_what_a_run_waited_for_and_where_it_came_from() -> None:
    head, first, *notes, second, _, _ = lines(RICH, PLAIN)
    for column in ("attempts", "waited", "held up others", "commit", "CI run"):
        assert column in head
    for cell in ("3 ", "11.0 s", "20 ms", "0123456789 ", "4711"):
        assert cell in first
    assert "abcdef" not in first
    assert notes == ["    waited for: pid 17 (user app)", "    overridden: the table is empty"]
    assert len(second) == len(first)


def test_a_run_that_failed_says_why_and_what_it_left() -> None:
    _, row, *notes, _, last = lines(FAILED)
    assert "upgrade failed" in row
    assert notes == ["    it broke", "    committed before it failed: CREATE INDEX i"]
    assert last == "1 run, 1 of them failed"


def test_where_there_is_no_room_every_run_has_some_lines() -> None:
    first, took, by, *_ = lines(RICH, width=60)
    assert first == f"{WHEN}  1a2b  upgrade  add a column"
    assert took == (
        "    took 12.0 s, 3 attempts, 11.0 s of it waiting, others held up for at most 20 ms"
    )
    assert by == (
        "    by alice as deploy on ci-7, commit 0123456789, CI run 4711, safemigrate 0.1.0"
    )


def test_a_table_that_fits_stays_one() -> None:
    assert lines(PLAIN, width=200) == lines(PLAIN)


def test_nothing_was_done_yet() -> None:
    assert lines() == ["the history is empty: safemigrate has not run on this database yet"]


def test_a_run_that_went_on_says_when_it_was_begun() -> None:
    line = HistoryLine(PLAIN, "", Resumed(AT, 2))
    text = format_history([line], leave_plain).splitlines()
    assert f"    resumed: begun {WHEN}, 2 statements done before this run" in text


def test_a_session_that_was_waited_for_is_named_once() -> None:
    seen = ("pid 17 (user app, transaction open for 1.2 s)", "pid 9 (user b)")
    later = "pid 17 (user app, transaction open for 2.4 s)"
    _, _, note, _, _ = lines(replace(PLAIN, blockers=(*seen, later)))
    assert note == f"    waited for: {later}; {seen[1]}"
    error = f"gave up; held by {later}"
    failed = replace(PLAIN, outcome=Outcome.FAILED, error=error, blockers=(*seen, later))
    _, _, *notes, _, _ = lines(failed)
    assert notes == [f"    {error}", f"    waited for: {seen[1]}"]
    _, _, *notes, _, _ = lines(replace(failed, blockers=("pid 1 (user c)",)))
    assert notes[-1] == "    waited for: pid 1 (user c)"
