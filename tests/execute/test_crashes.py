"""A run may be cut off anywhere, by anything: run again, it ends as one that never was."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from safemigrate.verify.differences import find_differences
from safemigrate.verify.snapshots import Snapshot, VersionTable, take_snapshot
from tests.execute.crashable import CrashableServer, open_crashable
from tests.execute.crashing import Children, Order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.execute.conftest import ProjectFolder

# gate() stops for as long as somebody holds the key, in the middle of the statement.
SETUP = (
    "CREATE TABLE account (id int PRIMARY KEY, n int NOT NULL)",
    "INSERT INTO account SELECT i, 0 FROM generate_series(1, 3) AS i",
    """
    CREATE FUNCTION gate(key int, value int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock_shared(key);
        RETURN value;
    END $$
    """,
)

REVISION = """
op.execute("ALTER TABLE account ADD COLUMN note text")
op.execute("CREATE TABLE extra (id int)")
op.execute("UPDATE account SET n = n + gate(1, id)")
op.execute("ALTER TABLE account ADD CONSTRAINT small CHECK (gate(5, n) < 1000) NOT VALID")
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY by_n ON account (gate(2, n))")
    op.execute("UPDATE account SET n = n + 10 * gate(3, id)")
op.execute("INSERT INTO extra SELECT gate(4, id) FROM account")
op.execute("ALTER TABLE account VALIDATE CONSTRAINT small")
op.get_bind().commit()
op.execute("UPDATE extra SET id = id + gate(6, 100 * id)")
op.execute("ALTER TABLE account ALTER COLUMN note SET DEFAULT 'x'")
"""
# in the order in which the statements come to them
KEYS = (1, 2, 3, 4, 5, 6)
STATEMENTS = 10


@pytest.fixture(scope="module")
def crashable() -> Iterator[CrashableServer]:
    with open_crashable() as server:
        yield server


class Outcome:
    """What a database holds in the end."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self.schema: Snapshot = take_snapshot(session, VersionTable())
        self.rows = (
            session.execute("SELECT id, n, note FROM account ORDER BY id").fetchall(),
            session.execute("SELECT id FROM extra ORDER BY id").fetchall(),
        )
        self.versions = session.execute("SELECT version_num FROM alembic_version").fetchall()
        self.invalid = session.execute(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
        ).fetchall()
        self.journal = session.execute(
            "SELECT ordinal, segment, state, sql FROM safemigrate.statement"
            " WHERE state <> 'resolved' ORDER BY ordinal"
        ).fetchall()


class Scene:
    """A database of the crashable server, and runs of the project on it."""

    def __init__(self, folder: ProjectFolder, server: CrashableServer, name: str) -> None:
        self.server = server
        self.name = name
        with closing(server.connect("postgres")) as session:
            session.execute(f'CREATE DATABASE "{name}"'.encode())
        with closing(server.connect(name)) as session:
            for statement in SETUP:
                session.execute(statement.encode())
        self.children = Children(folder.config, server, name)

    def close(self) -> None:
        self.children.close()
        with closing(self.server.connect("postgres")) as session:
            session.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)'.encode())

    def look(self) -> Outcome:
        with closing(self.server.connect(self.name)) as session:
            return Outcome(session)

    def mend(self, fault: str) -> None:
        if fault == "stop":
            self.server.start()


@pytest.fixture
def project(folder: ProjectFolder) -> ProjectFolder:
    folder.add("ten", REVISION)
    return folder


@pytest.fixture
def scene(project: ProjectFolder, crashable: CrashableServer) -> Iterator[Scene]:
    with closing(Scene(project, crashable, "crashed")) as opened:
        yield opened


@pytest.fixture(scope="module")
def known() -> list[Outcome]:
    """What a clean run was seen to end in, once one was made."""
    return []


@pytest.fixture
def clean(project: ProjectFolder, crashable: CrashableServer, known: list[Outcome]) -> Outcome:
    if not known:
        with closing(Scene(project, crashable, "clean")) as opened:
            end = opened.children.run(Order())
            assert end.status == 0, end.told
            known.append(opened.look())
    assert len(known[0].journal) == STATEMENTS
    return known[0]


def check(outcome: Outcome, clean: Outcome) -> None:
    assert find_differences(clean.schema, outcome.schema) == ()
    assert outcome.rows == clean.rows
    assert outcome.versions == [("ten",)]
    assert outcome.invalid == []
    assert outcome.journal == clean.journal


@pytest.mark.parametrize("fault", ["kill", "terminate", "stop", "cut", "lose"])
def test_a_run_that_is_cut_off_between_any_two_steps_goes_on(
    scene: Scene, clean: Outcome, fault: str
) -> None:
    points: list[str] = []
    while (end := scene.children.run(Order(fault, tuple(points)))).status != 0:
        assert end.point, end.told
        assert end.status == -9 if fault == "kill" else end.status in {3, 4}, end
        points.append(end.point)
        scene.mend(fault)
    # each statement, each row of the journal, and each commit
    assert len(points) >= STATEMENTS * 2, points
    check(scene.look(), clean)


@pytest.mark.parametrize("fault", ["kill", "terminate", "stop", "cut"])
def test_a_run_that_is_cut_off_inside_a_statement_goes_on(
    scene: Scene, clean: Outcome, fault: str
) -> None:
    server = scene.server
    for key in KEYS:
        with closing(server.connect(scene.name)) as holder:
            holder.execute("SELECT pg_advisory_lock(0, 0), pg_advisory_lock(%s)", (key,))
            child = scene.children.start(Order("lose" if fault == "cut" else "", ALL))
            pid = wait_for_key(holder)
            match fault:
                case "kill":
                    os.kill(child, signal.SIGKILL)
                case "terminate":
                    holder.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
                case "stop":
                    server.stop()
                case "cut":
                    server.proxy.cut_all()
        end = scene.children.wait()
        assert end.status == -9 if fault == "kill" else end.status in {3, 4}, (key, end)
        scene.mend(fault)
    end = scene.children.run(Order())
    assert end.status == 0, end.told
    check(scene.look(), clean)


# No point is new, so that nothing is cut off but by the test.
ALL = ("*",)


def wait_for_key(session: psycopg.Connection[Any]) -> int:
    """Return the server's process that waits for a key, as soon as one does."""
    pause = threading.Event()
    for _ in range(3000):
        found = session.execute(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ).fetchone()
        if found is not None:
            return int(found[0])
        pause.wait(0.01)
    raise AssertionError("nobody waits")
