"""What a revision takes back within its transaction, and what it waits for beside its locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.event import listen, remove

from safemigrate.execute import RevisionRetried, RevisionStarted, TableBusy
from tests.execute.test_look import Seeing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.execute.conftest import Database, Events, ProjectFolder, Runner

ADD = 'op.execute("ALTER TABLE t ADD COLUMN c int")\n'
HOLDS_T = (
    "EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND granted"
    " AND mode = 'AccessExclusiveLock')"
)
FAIL_NESTED = """
try:
    with op.get_bind().begin_nested():
        op.execute("INSERT INTO log SELECT 1 / 0")
except sa.exc.DBAPIError:
    pass
"""
# What is not sent while the revision is recorded is not foreseen.
UNFORESEEN = """
import os
if os.environ.get("IS_RUNNING"):
    op.execute("ALTER TABLE v ADD COLUMN d int")
"""


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    for table in ("t", "v", "log"):
        db.execute(f"CREATE TABLE {table} (id int)")
    db.execute("INSERT INTO t VALUES (1)")


class Sending:
    """Does something right before the run, and no recording, sends a statement."""

    def __init__(self) -> None:
        self._is_running = False
        self._waiting: dict[str, Callable[[], object]] = {}

    def begin(self) -> None:
        self._is_running = True

    def before(self, beginning: str, act: Callable[[], object]) -> None:
        """Do it once, before a statement that begins so."""
        self._waiting[beginning] = act

    def look(self, connection: object, cursor: object, statement: str, *details: object) -> None:
        del connection, cursor, details
        if self._is_running:
            for beginning in [one for one in self._waiting if statement.startswith(one)]:
                self._waiting.pop(beginning)()


@pytest.fixture
def sending(events: Events) -> Iterator[Sending]:
    found = Sending()
    events.on(RevisionStarted, found.begin)
    listen(Engine, "before_cursor_execute", found.look)
    yield found
    remove(Engine, "before_cursor_execute", found.look)


@pytest.fixture
def seeing(runner: Runner) -> Seeing:
    return Seeing(runner)


def test_an_error_that_is_caught_leaves_the_locks_from_before_it_counted(
    folder: ProjectFolder,
    seeing: Seeing,
    db: Database,
    events: Events,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("IS_RUNNING", raising=False)
    events.on(RevisionStarted, lambda: monkeypatch.setenv("IS_RUNNING", "1"))
    folder.add("first", ADD + FAIL_NESTED + UNFORESEEN)
    reader = db.connect(autocommit=False)
    reader.execute("SELECT FROM v")
    held: list[object] = []

    def look() -> None:
        held.append(db.scalar(f"SELECT {HOLDS_T}"))
        reader.rollback()

    events.on(TableBusy, look)
    events.on(RevisionRetried, reader.rollback)
    finished = seeing.upgrade()
    assert finished.attempts > 1
    # beside the queue nothing is held that the application would feel
    assert True not in held
    assert db.scalar("SELECT count(*) FROM pg_attribute WHERE attname IN ('c', 'd')") == 2


def test_locks_let_go_by_a_savepoint_are_looked_for_again(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, sending: Sending
) -> None:
    folder.add(
        "first",
        """
nested = op.get_bind().begin_nested()
op.execute("ALTER TABLE t ADD COLUMN c int")
nested.rollback()
op.execute("SELECT 'let go'")
op.execute("ALTER TABLE t ADD COLUMN d int")
""",
    )
    reader = db.connect(autocommit=False)
    sending.before("SELECT 'let go'", lambda: reader.execute("SELECT FROM t"))
    events.on(TableBusy, reader.rollback)
    assert seeing.upgrade().attempts == 1
    assert events.of(TableBusy)
    assert db.scalar("SELECT count(*) FROM pg_attribute WHERE attname = 'd'") == 1


def test_rows_that_were_changed_are_not_held_for_a_validation_that_waits(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, sending: Sending
) -> None:
    db.execute("ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID")
    folder.add(
        "first",
        'op.execute("UPDATE t SET id = id")\nop.execute("ALTER TABLE t VALIDATE CONSTRAINT c")',
    )
    other = db.connect(autocommit=False)
    sending.before(
        "ALTER TABLE t VALIDATE",
        lambda: other.execute("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE"),
    )
    events.on(RevisionRetried, other.rollback)
    assert seeing.upgrade(seconds=20).attempts == 2
    assert db.scalar("SELECT convalidated FROM pg_constraint WHERE conname = 'c'") is True


# A view is locked by none but the text itself.
@pytest.mark.parametrize("block", ["", "with op.get_context().autocommit_block():\n    "])
def test_a_lock_timeout_that_a_text_sets_holds_after_it(
    folder: ProjectFolder, seeing: Seeing, db: Database, block: str
) -> None:
    db.execute("CREATE VIEW looks AS SELECT id FROM t")
    db.execute("CREATE TABLE seen (lock_timeout text)")
    show = "INSERT INTO seen SELECT current_setting('lock_timeout')"
    folder.add(
        "first",
        f"{block}op.execute(\"SET lock_timeout = '5s'; ALTER VIEW looks RENAME TO seen_by\")\n"
        f'op.execute("{show}")',
    )
    seeing.upgrade()
    assert db.scalar("SELECT lock_timeout FROM seen") == "5s"
