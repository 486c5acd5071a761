"""One runner at a time: the others wait, say for whom, and find nothing to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import InterruptedRunError, LockTimeoutError
from safemigrate.execute import (
    RunnerWaited,
    RunPlanned,
    RunWarned,
    describe_holder,
    read_standing,
    run_upgrade,
)
from safemigrate.execute.deploylock import deploy_lock_key
from safemigrate.execute.fleet import in_schema
from tests.execute.conftest import allow

if TYPE_CHECKING:
    from collections.abc import Callable

    from safemigrate.execute import RunReport
    from tests.execute.conftest import Database, Events, Process, ProjectFolder, Runner

CREATE_T = "CREATE TABLE t (id int)"
CREATE = f'op.execute("{CREATE_T}")'
ADD = 'op.execute("ALTER TABLE t ADD COLUMN c int")'


def test_the_key_is_of_the_database_and_fits_two_integers_of_the_server() -> None:
    keys = {deploy_lock_key(name) for name in ("a", "b", "shop", "ünï")}
    assert len(keys) == 4
    assert {namespace for namespace, _ in keys} == {0x73616665}
    assert all(-(2**31) <= database < 2**31 for _, database in keys)
    assert any(database < 0 for _, database in keys)
    assert len({deploy_lock_key("a", place) for place in ("", "b", "c")} | keys) == 6


def take_lock(db: Database, place: str = "") -> int:
    """Hold the deploy lock in a session of the test's own, and return its pid."""
    database = str(db.scalar("SELECT current_database()"))
    if place:
        db.execute("SELECT pg_advisory_lock_shared({}, {})".format(*deploy_lock_key(database)))
    db.execute("SELECT pg_advisory_lock({}, {})".format(*deploy_lock_key(database, place)))
    return int(str(db.scalar("SELECT pg_backend_pid()")))


def test_a_runner_waits_for_the_one_ahead_and_says_who_it_is(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    pid = take_lock(db)
    events.on(RunnerWaited, lambda: db.execute("SELECT pg_advisory_unlock_all()"))
    assert runner.upgrade().heads == ("first",)
    (waited,) = events.of(RunnerWaited)
    assert waited.holder is not None
    assert waited.holder.pid == pid
    assert waited.holder.application == "a test"
    assert waited.holder.since == db.scalar(
        "SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )


def test_a_runner_gives_up_at_the_deadline(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    pid = take_lock(db)
    runner.settings = replace(runner.settings, deadline=timedelta())
    with pytest.raises(LockTimeoutError, match=f"still held after .* by pid {pid} "):
        runner.upgrade()
    assert events.of(RunPlanned) == []
    assert not db.has("alembic_version")


def test_a_runner_that_waits_ends_when_the_other_one_has_done_what_it_was_asked_for(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    folder.add("second", ADD)
    folder.add("third", ADD)
    take_lock(db)
    # what the other one does, and it goes on with the third
    events.on(RunnerWaited, lambda: db.execute("UPDATE alembic_version SET version_num = 'second'"))
    report = runner.upgrade("second")
    assert (report.applied, report.heads) == ((), ("second",))
    assert len(events.of(RunnerWaited)) == 1
    assert events.of(RunPlanned)[1:] == []
    # the third is asked for, and not there yet
    runner.settings = replace(runner.settings, deadline=timedelta(milliseconds=300))
    with pytest.raises(LockTimeoutError, match="still held"):
        runner.upgrade()


def test_a_runner_with_nothing_to_do_does_not_wait_at_all(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    take_lock(db)
    assert runner.upgrade().heads == ("first",)
    assert events.of(RunnerWaited) == []


def test_a_downgrade_waits_for_its_turn(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    """What is ahead may be about to bring what it has to take back."""
    folder.add("first", CREATE, 'op.execute("DROP TABLE t")')
    take_lock(db)

    def bring() -> None:
        db.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        db.execute("INSERT INTO alembic_version VALUES ('first')")
        db.execute(CREATE_T)
        db.execute("SELECT pg_advisory_unlock_all()")

    events.on(RunnerWaited, bring)
    (taken_back,) = runner.downgrade("base").applied
    assert taken_back.revision.revision == "first"
    assert not db.has("t")


@pytest.fixture
def tenants(folder: ProjectFolder, runner: Runner, db: Database) -> Callable[[str], RunReport]:
    """Two schemas, each with the first revision, and a way to upgrade one of them."""
    folder.add("first", CREATE)

    def upgrade(schema: str) -> RunReport:
        project = folder.open()
        with in_schema(project, schema):
            return run_upgrade(
                project, "heads", runner.settings, progress=runner.events, check=allow
            )

    for schema in ("one", "two"):
        db.execute(f"CREATE SCHEMA {schema}")
        assert len(upgrade(schema).applied) == 1
    folder.add("second", ADD)
    return upgrade


def test_tenants_of_one_database_run_side_by_side(
    tenants: Callable[[str], RunReport], db: Database, events: Events
) -> None:
    take_lock(db, "one")
    assert tenants("two").heads == ("second",)
    assert events.of(RunnerWaited) == []


def test_one_tenant_is_migrated_by_one_runner_at_a_time(
    tenants: Callable[[str], RunReport], db: Database, events: Events
) -> None:
    pid = take_lock(db, "two")
    write_lease(db, "revision 3 of 7: ab12 add index", name="deploy:two")
    events.on(RunnerWaited, lambda: db.execute("SELECT pg_advisory_unlock_all()"))
    assert tenants("two").heads == ("second",)
    (waited,) = events.of(RunnerWaited)
    assert waited.holder is not None
    assert waited.holder.pid == pid
    assert waited.holder.lease is not None
    assert waited.holder.lease.doing == "revision 3 of 7: ab12 add index"


@pytest.mark.parametrize(("held", "wanted"), [("", "one"), ("one", "")])
def test_a_tenant_and_the_whole_database_wait_for_one_another(
    tenants: Callable[[str], RunReport], runner: Runner, db: Database, held: str, wanted: str
) -> None:
    events = runner.events
    pid = take_lock(db, held)
    events.on(RunnerWaited, lambda: db.execute("SELECT pg_advisory_unlock_all()"))
    assert (tenants(wanted) if wanted else runner.upgrade()).heads == ("second",)
    (waited,) = events.of(RunnerWaited)
    assert waited.holder is not None
    assert waited.holder.pid == pid


SEE_LOCKS = (
    'op.execute("CREATE TABLE seen AS SELECT objid::bigint, mode FROM pg_locks'
    " WHERE locktype = 'advisory'\")"
)


def test_a_tenant_that_makes_the_journal_has_the_database_for_itself(
    folder: ProjectFolder, tenants: Callable[[str], RunReport], db: Database
) -> None:
    folder.add("third", SEE_LOCKS)
    db.execute("DROP SCHEMA safemigrate CASCADE")
    tenants("one")
    tenants("two")
    database = str(db.scalar("SELECT current_database()"))
    whole, own = (deploy_lock_key(database, place)[1] % 2**32 for place in ("", "two"))
    assert db.rows("SELECT * FROM one.seen") == [(whole, "ExclusiveLock")]
    assert sorted(db.rows("SELECT * FROM two.seen"), key=str) == sorted(
        [(whole, "ShareLock"), (own, "ExclusiveLock")], key=str
    )


def test_each_tenant_has_a_lease_of_its_own(
    folder: ProjectFolder, tenants: Callable[[str], RunReport], db: Database
) -> None:
    folder.add("third", SEE)
    write_lease(db, "another one", name="deploy:one")
    tenants("two")
    ((other,), _) = db.rows("SELECT doing FROM two.seen ORDER BY doing")
    assert other == "another one"
    assert db.rows("SELECT name FROM safemigrate.lease") == [("deploy:one",)]


def test_the_lock_is_given_back(folder: ProjectFolder, runner: Runner, db: Database) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    db.wait_until(
        "NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'safemigrate %'"
        " AND datname = current_database())"
    )
    assert take_lock(db) > 0


def test_the_lock_is_held_while_a_revision_runs_by_a_session_that_says_who_it_is(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "first",
        'op.execute("CREATE TABLE seen AS SELECT application_name FROM pg_stat_activity'
        " JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted\")",
    )
    runner.upgrade()
    name = f"safemigrate {socket.gethostname()} {os.getpid()}"
    assert db.rows("SELECT * FROM seen") == [(name,)]


# The runners are forked, for the sake of the two seconds that each would need to be imported, and
# begin when a line comes in.
FORKS = """
import os, sys
from datetime import timedelta
from pathlib import Path
from safemigrate.errors import SafemigrateError
from safemigrate.execute import Clearance, RunSettings, run_upgrade
from safemigrate.source import open_project
import sqlalchemy.dialects.postgresql.psycopg, psycopg

def run():
    settings = RunSettings(deadline=timedelta(seconds=100))
    out = []
    try:
        report = run_upgrade(
            open_project(Path(sys.argv[1]), url=sys.argv[2]),
            "heads",
            settings,
            progress=lambda event: out.append(type(event).__name__),
            check=lambda inquiry: Clearance(),
        )
    except SafemigrateError as error:
        return f"{error.exit_code:d} {error.message} | {error.hint}"
    return f"0 applied {len(report.applied)}" + " waited" * ("RunnerWaited" in out)

sys.stdin.readline()
pids = []
for _ in range(int(sys.argv[3])):
    pid = os.fork()
    if not pid:
        said = run()
        os.write(sys.__stdout__.fileno(), f"{said}\\n".encode())
        os._exit(0)
    pids.append(pid)
for pid in pids:
    os.waitpid(pid, 0)
"""


def run_at_once(folder: ProjectFolder, count: int) -> list[str]:
    """Return what each of so many runners, which begin together, had to say at the end."""
    with subprocess.Popen(
        (sys.executable, "-c", FORKS, str(folder.config), folder.url, str(count)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        out, _ = process.communicate("\n", timeout=300)
    return sorted(out.splitlines())


def test_of_twenty_runners_at_once_one_applies_and_all_succeed(
    folder: ProjectFolder, db: Database
) -> None:
    folder.add("first", CREATE)
    assert run_at_once(folder, 20)[-1].startswith("0 applied 1")
    for position in range(2):
        folder.add(
            f"index{position}",
            "with op.get_context().autocommit_block():\n"
            f'    op.execute("CREATE INDEX CONCURRENTLY i{position} ON t (id)")',
        )
        said = run_at_once(folder, 20)
        assert [line for line in said if not line.startswith("0 applied 0")] == [
            line for line in said if line.startswith("0 applied 1")
        ], said
        assert sum(line.startswith("0 applied 1") for line in said) == 1
        assert any(line.endswith("waited") for line in said)
    assert [row[1:] for row in db.history()] == [("upgrade", "applied", 1)] * 3
    assert db.scalar("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    assert db.rows("SELECT * FROM safemigrate.lease") == []


LEASE = "SELECT pid, backend_start, application, version, doing FROM safemigrate.lease"
SEE = f'op.execute("CREATE TABLE seen AS {LEASE}")'
WAIT_FOR_LEASE = (
    'op.execute("DO $$ BEGIN FOR i IN 1..1000 LOOP EXIT WHEN EXISTS (SELECT FROM safemigrate.lease'
    " WHERE doing LIKE 'revision 2 of 2: second%'); PERFORM pg_sleep(0.01); END LOOP; END $$\")"
)


def test_the_lease_says_who_holds_the_lock_and_what_it_does(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    folder.add(
        "second",
        f"with op.get_context().autocommit_block():\n    {WAIT_FOR_LEASE}\n    {SEE}",
        message="see who is there",
    )
    runner.upgrade()
    ((pid, start, application, version, doing),) = db.rows("SELECT * FROM seen")
    assert application == f"safemigrate {socket.gethostname()} {os.getpid()}"
    assert version == metadata.version("safemigrate")
    assert doing == "revision 2 of 2: second see who is there"
    assert isinstance(start, datetime)
    assert pid != db.scalar("SELECT pg_backend_pid()")
    # it is gone with the run
    assert db.rows(LEASE) == []


def write_lease(db: Database, doing: str, *, age: str = "0 s", name: str = "deploy") -> None:
    """Write a lease of the test's own session, or of one so much older with its pid."""
    db.execute(
        f"INSERT INTO safemigrate.lease SELECT '{name}', pid,"  # noqa: S608 - constants
        f" backend_start - interval '{age}', 'a host', 'somebody', application_name, '1',"
        f" '{doing}', now(), now() FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )


def test_a_runner_that_waits_says_on_which_revision_the_other_one_is(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    folder.add("second", ADD)
    take_lock(db)
    write_lease(db, "revision 3 of 7: ab12 add index")
    events.on(RunnerWaited, lambda: db.execute("SELECT pg_advisory_unlock_all()"))
    assert runner.upgrade().heads == ("second",)
    (waited,) = events.of(RunnerWaited)
    assert waited.holder is not None
    assert waited.holder.lease is not None
    assert waited.holder.lease.doing == "revision 3 of 7: ab12 add index"
    assert waited.holder.lease.host == "a host"
    assert describe_holder(waited.holder).endswith("): revision 3 of 7: ab12 add index")
    # the lease of a session that does not hold the lock is written over, and removed
    assert db.rows(LEASE) == []


def test_a_lease_that_a_crash_has_left_is_of_no_account(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    folder.add("second", ADD)
    take_lock(db)
    # the same pid, used again by the server for another session
    write_lease(db, "revision 1 of 1: old", age="1 h")
    assert read_standing(folder.open()).runner is not None
    events.on(RunnerWaited, lambda: db.execute("SELECT pg_advisory_unlock_all()"))
    assert runner.upgrade().heads == ("second",)
    (waited,) = events.of(RunnerWaited)
    assert waited.holder is not None
    assert waited.holder.lease is None


def test_a_role_that_may_not_write_the_lease_runs_all_the_same(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    db.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RAISE insufficient_privilege; END'"
    )
    db.execute(
        "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON safemigrate.lease"
        " EXECUTE FUNCTION refuse()"
    )
    folder.add("second", ADD)
    assert runner.upgrade().heads == ("second",)


def test_a_lease_that_cannot_be_written_now_holds_nobody_up(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    folder.add("second", ADD)
    holder = db.connect(autocommit=False)
    holder.execute("LOCK TABLE safemigrate.lease IN SHARE MODE")
    assert runner.upgrade().heads == ("second",)


CUT_CONTROL = (
    'op.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity'
    " WHERE application_name LIKE 'safemigrate %'\")"
)


def test_nothing_is_done_outside_a_transaction_when_the_lock_is_lost(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "first",
        "with op.get_context().autocommit_block():\n"
        f'    {CREATE}\n    {CUT_CONTROL}\n    op.execute("CREATE TABLE u (id int)")',
    )
    with pytest.raises(InterruptedRunError, match="deploy lock"):
        runner.upgrade()
    assert db.has("t")
    assert not db.has("u")
    assert db.versions() == []
    standing = read_standing(folder.open())
    assert [one.revision.revision for one in standing.partial] == ["first"]


def test_what_is_done_outside_a_transaction_waits_for_the_lock_to_be_taken_anew(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add(
        "first",
        f"{CREATE}\n{CUT_CONTROL}\nwith op.get_context().autocommit_block():\n"
        f'    op.execute("CREATE TABLE u (id int)")\n    {CUT_CONTROL}',
    )
    assert runner.upgrade().heads == ("first",)
    assert db.has("u")
    assert sum("it was taken anew" in event.text for event in events.of(RunWarned)) == 2
    assert db.rows(LEASE) == []


def test_a_runner_that_is_killed_leaves_no_lock_and_no_lease_of_account(
    folder: ProjectFolder,
    runner: Runner,
    start: Callable[[], Process],
    db: Database,
    events: Events,
) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    second = folder.add("second", f'{ADD}\nop.execute("SELECT pg_sleep(600)")')
    process = start()
    db.wait_until(
        "EXISTS (SELECT FROM safemigrate.lease WHERE doing LIKE 'revision 1 of 1: second%')"
    )
    db.wait_until(
        "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%'"
        " AND state = 'active' AND datname = current_database())"
    )
    standing = read_standing(folder.open())
    assert standing.runner is not None
    assert standing.runner.lease is not None
    assert standing.runner.lease.doing == "revision 1 of 1: second the second revision"
    process.kill()
    process.communicate()
    # the server ends the session, though it was in the middle of a statement
    db.wait_until("NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')")
    db.wait_until("NOT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(6%')")
    assert read_standing(folder.open()).runner is None
    second.write_text(second.read_text().replace("pg_sleep(600)", "1"))
    assert runner.upgrade().heads == ("second",)
    assert events.of(RunnerWaited) == []
    assert db.rows(LEASE) == []
