"""H15: the application's statements wait no longer than the budget."""

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest

from safemigrate.config import Deployer
from safemigrate.model import Property, Standing
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

BRIEFLY = Property.BLOCKS_BRIEFLY
BUDGET = timedelta(milliseconds=50)
# As long as no machine needs, for what is about something else.
AMPLE = timedelta(minutes=1)

TABLE = "CREATE TABLE t (id int PRIMARY KEY, a int, b text)"


def hold(workers: int, seconds: float = 0.6) -> str:
    """Return SQL that ends once so many workers have waited so long; at once without traffic.

    However slow the machine, the traffic has then met the locks that are held meanwhile.
    """
    return (
        "DO $$ DECLARE traffic bigint; waiting bigint; BEGIN LOOP"  # noqa: S608 - two numbers
        " PERFORM pg_stat_clear_snapshot();"
        " SELECT count(DISTINCT a.pid), count(DISTINCT l.pid) INTO traffic, waiting"
        " FROM pg_stat_activity a LEFT JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted"
        f" AND l.waitstart < clock_timestamp() - interval '{seconds} s'"
        " WHERE a.datname = current_database() AND a.query LIKE '/* safemigrate traffic %';"
        f" EXIT WHEN traffic = 0 OR waiting >= {workers}"
        " OR clock_timestamp() > now() + interval '1 min';"
        " PERFORM pg_sleep(0.01); END LOOP; END $$"
    )


# Of generated traffic, each verb has a worker of its own: SELECT, UPDATE, INSERT and DELETE.
SLOW = f"ALTER TABLE t ADD COLUMN c int\n{hold(4)}"


def add_slow(scaffold: Scaffold, upgrade: str = SLOW) -> None:
    scaffold.add("one", TABLE, "DROP TABLE t")
    scaffold.add("two", upgrade, "ALTER TABLE t DROP COLUMN IF EXISTS c")


def test_a_long_wait_names_what_waits_and_for_whose_lock(anywhere: Scaffold) -> None:
    add_slow(anywhere)

    check = anywhere.check(BRIEFLY, max_block=BUDGET)

    assert check.standing is Standing.BROKEN
    assert "public.t waits" in check.reason
    assert "for a lock, and may wait 50 ms" in check.reason
    lines = anywhere.path("two").read_text().splitlines()
    assert "ADD COLUMN" in lines[check.line - 1]
    text = "\n".join(check.details)
    for command in ("SELECT", "UPDATE", "INSERT"):
        assert f"{command} on public.t waited" in text
    assert "ALTER TABLE t ADD COLUMN c int" in text


def test_a_short_lock_holds_and_says_how_short(anywhere: Scaffold) -> None:
    add_slow(anywhere, "ALTER TABLE t ADD COLUMN c int")

    check = anywhere.check(BRIEFLY, max_block=AMPLE)

    assert (check.standing, check.reason) == (Standing.HOLDS, "")
    assert check.details[0].startswith("worst wait for a lock ")
    assert "(p99)" in check.details[0]
    assert any(line.startswith("UPDATE on public.t: ") for line in check.details)


def test_a_long_wait_breaks_nothing_else(scaffold: Scaffold) -> None:
    add_slow(scaffold)

    assert scaffold.broken(max_block=BUDGET) == {BRIEFLY}


@pytest.mark.parametrize("major", proof_versions())
def test_a_lock_that_blocks_writes_alone_is_seen_on_every_major(
    major: int, proof_servers: ProofServers, scaffold: Scaffold
) -> None:
    scaffold.server = proof_servers[major]
    add_slow(scaffold, f"CREATE INDEX t_a ON t (a)\n{hold(3)}\nDROP INDEX t_a")

    check = scaffold.check(BRIEFLY, max_block=BUDGET)

    assert check.standing is Standing.BROKEN
    assert "UPDATE on public.t" in check.details[0]


def test_rows_that_are_changed_make_those_wait_who_change_them(scaffold: Scaffold) -> None:
    add_slow(scaffold, "\n".join(["UPDATE t SET a = 1", hold(1)]))

    check = scaffold.check(BRIEFLY, max_block=BUDGET)

    assert check.standing is Standing.BROKEN
    assert check.reason.partition(": ")[2].startswith("UPDATE on public.t waits")
    assert "blocked: UPDATE on public.t" in check.details[0]


def test_a_revision_that_keeps_nobody_out_needs_no_traffic(scaffold: Scaffold) -> None:
    scaffold.add("one", TABLE, "DROP TABLE t")

    check = scaffold.check(BRIEFLY)

    assert check.standing is Standing.HOLDS
    assert check.reason == "no statement keeps others from a table that was there before"
    assert check.details[0].startswith("worst wait for a lock 0 ms")


def test_a_reader_that_holds_the_table_up_shows_where_alembic_deploys(
    scaffold: Scaffold,
) -> None:
    add_slow(scaffold, "ALTER TABLE t ADD COLUMN c int")

    check = scaffold.check(
        BRIEFLY,
        max_block=BUDGET,
        deployed_by=Deployer.ALEMBIC,
        longest_read=timedelta(seconds=1),
    )

    assert check.standing is Standing.BROKEN
    assert "SELECT on public.t" in check.details[0]


def test_a_lock_timeout_ends_the_queue_behind_a_reader(scaffold: Scaffold) -> None:
    add_slow(scaffold, "SET lock_timeout = '50ms'\nALTER TABLE t ADD COLUMN c int")

    check = scaffold.check(
        BRIEFLY,
        max_block=timedelta(seconds=5),
        deployed_by=Deployer.ALEMBIC,
        longest_read=timedelta(seconds=20),
    )

    assert check.standing is Standing.HOLDS
    assert any("gave up" in line for line in check.details)


def test_scanned_rows_are_told_with_their_speed(scaffold: Scaffold) -> None:
    add_slow(scaffold, "ALTER TABLE t ADD CHECK (a IS NOT NULL OR b IS NULL OR true)")

    check = scaffold.check(BRIEFLY, rows=50, max_block=AMPLE)

    assert any("public.t is scanned: 50 rows in" in line for line in check.details)


def write(scaffold: Scaffold, text: str) -> Path:
    path = scaffold.folder / "workload.sql"
    path.write_text(text)
    return path


def test_the_projects_own_statements_are_the_traffic(scaffold: Scaffold) -> None:
    add_slow(scaffold, f"ALTER TABLE t ADD COLUMN c int\n{hold(2)}")
    script = "\\set key random(1, 50)\nBEGIN;\nSELECT a FROM t WHERE id = :key;\nCOMMIT;\n"

    check = scaffold.check(BRIEFLY, max_block=BUDGET, workload=write(scaffold, script))

    assert check.standing is Standing.BROKEN
    assert "SELECT a FROM t WHERE id = :key" in check.details[0]
    assert "workload.sql:3)" in check.details[0]


def test_a_plan_that_no_longer_fits_is_an_error_of_the_traffic(scaffold: Scaffold) -> None:
    add_slow(scaffold, "ALTER TABLE t ADD COLUMN c int")
    workload = write(scaffold, "SELECT * FROM t WHERE id = 1;\n")

    check = scaffold.check(BRIEFLY, workload=workload, max_block=AMPLE)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("a prepared statement no longer fits: SELECT * FROM t")
    assert "(0A000)" in check.reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1;\n\\sleep 1 s\n", r"workload.sql:2: \sleep cannot be done"),
        ("\\setrandom k 1 9\n", r"workload.sql:1: \setrandom cannot be done"),
        ("\\set k random(9, 1)\nSELECT 1;", r"workload.sql:1: \set k random(9, 1) cannot be read"),
        ("\\set k :other\nSELECT 1;", r"workload.sql:1: \set k :other cannot be read"),
        ("-- nothing\n", 'workload.sql" has no statement'),
    ],
)
def test_a_workload_that_cannot_be_run_is_said_to_be(
    scaffold: Scaffold, text: str, reason: str
) -> None:
    add_slow(scaffold)

    check = scaffold.check(BRIEFLY, workload=write(scaffold, text))

    assert check.standing is Standing.UNKNOWN
    assert reason in check.reason


def test_a_deadlock_with_the_application_is_an_error(scaffold: Scaffold) -> None:
    scaffold.add("one", f"{TABLE}\n{TABLE.replace(' t ', ' u ')}", "DROP TABLE t, u")
    scaffold.add("two", f"LOCK TABLE u\n{hold(1, 0)}\nLOCK TABLE t", "pass")
    script = "BEGIN;\nUPDATE t SET a = a WHERE id = 1;\nUPDATE u SET a = a WHERE id = 1;\nCOMMIT;\n"

    check = scaffold.check(BRIEFLY, max_block=AMPLE, workload=write(scaffold, script))

    assert check.standing is Standing.BROKEN
    assert "a deadlock" in check.reason
    assert "40P01" in check.reason


def test_a_workload_that_is_not_there_is_said_to_be(scaffold: Scaffold) -> None:
    add_slow(scaffold)

    check = scaffold.check(BRIEFLY, workload=scaffold.folder / "gone.sql")

    assert check.standing is Standing.UNKNOWN
    assert "gone.sql" in check.reason
    assert os.strerror(2) in check.reason


def test_statements_that_fail_anyhow_are_told_and_break_nothing(scaffold: Scaffold) -> None:
    add_slow(scaffold, "ALTER TABLE t DROP COLUMN b")
    workload = write(scaffold, "SELECT b FROM t;\nSELECT nothing FROM t;\n")

    check = scaffold.check(BRIEFLY, workload=workload, max_block=AMPLE)

    assert check.standing is Standing.HOLDS
    text = "\n".join(check.details)
    assert "SELECT nothing FROM t" in text
    assert "fails without the revision too (42703)" in text
    assert "fails once the revision has run (42703)" in text


def test_an_upgrade_that_fails_on_rows_is_not_measured(scaffold: Scaffold) -> None:
    add_slow(scaffold, "ALTER TABLE t ADD COLUMN c int NOT NULL")

    check = scaffold.check(BRIEFLY, max_block=AMPLE)

    assert check.standing is Standing.UNKNOWN
    assert "23502" in check.reason


# Ends the sessions of its own database that send what looks so.
END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '{}'"
    " AND pid <> pg_backend_pid() AND datname = current_database()"
)
END_TRAFFIC = END.format("safemigrate traffic")
END_WATCH = END.format("waitstart|SELECT pid, query FROM")


def test_a_revision_that_ends_the_applications_sessions_breaks_it(scaffold: Scaffold) -> None:
    add_slow(scaffold, f"ALTER TABLE t ADD COLUMN c int\n{END_TRAFFIC}")

    check = scaffold.check(BRIEFLY, max_block=AMPLE)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("a session was ended: ")
    assert "57P01" in check.reason or "08006" in check.reason


def test_a_revision_that_ends_everybodys_sessions_breaks_it(scaffold: Scaffold) -> None:
    add_slow(scaffold, f"ALTER TABLE t ADD COLUMN c int\n{END_TRAFFIC}\n{END_WATCH}")

    check = scaffold.check(BRIEFLY, max_block=AMPLE)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("a session was ended: ")


def test_waits_that_nobody_could_see_are_not_proved_brief(scaffold: Scaffold) -> None:
    add_slow(scaffold, f"ALTER TABLE t ADD COLUMN c int\n{END_WATCH}")

    check = scaffold.check(BRIEFLY, max_block=AMPLE)

    assert check.standing is Standing.UNKNOWN
    # the server's last words are lost where its socket closes before the next question is sent
    assert re.match("the throwaway server says: (57P01|OperationalError: ).+", check.reason)


ERRORS_ONCE = f"""
import pathlib
flag = pathlib.Path({{flag!r}})
op.execute("ALTER TABLE t ADD COLUMN c int")
query = sa.text({END_TRAFFIC.replace("pg_terminate_backend(pid)", "count(*)")!r})
if not flag.exists() and op.get_bind().execute(query).scalar():
    flag.touch()
    op.execute({hold(4)!r})
    op.execute(sa.text({END_TRAFFIC!r}))
"""


def test_a_second_run_forgives_long_waits_and_no_errors(scaffold: Scaffold) -> None:
    flag = scaffold.folder / "flag"
    add_slow(scaffold, ERRORS_ONCE.format(flag=str(flag)))

    check = scaffold.check(BRIEFLY, max_block=timedelta(milliseconds=400))

    assert flag.exists()
    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("a session was ended: ")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT nothing FROM t;\n",
        "BEGIN;\nSELECT nothing FROM t;\nSELECT a FROM t;\nCOMMIT;\n",
    ],
)
def test_traffic_that_never_runs_proves_nothing(scaffold: Scaffold, text: str) -> None:
    add_slow(scaffold, "ALTER TABLE t ADD COLUMN c int")

    check = scaffold.check(BRIEFLY, workload=write(scaffold, text))

    assert check.standing is Standing.UNKNOWN
    assert "SELECT nothing FROM t" in check.reason
    assert "(42703)" in check.reason


def test_a_table_without_rows_proves_nothing_until_there_is_a_sample(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        "CREATE FUNCTION odd(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = 421'\n"
        "CREATE TABLE t (id int PRIMARY KEY CHECK (odd(id)), b text)",
        "DROP TABLE t\nDROP FUNCTION odd",
    )
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    samples = scaffold.folder / "samples"
    samples.mkdir()
    (samples / "two.sql").write_text("INSERT INTO t VALUES (421, 'Ada');\n")

    check = scaffold.check(BRIEFLY, max_block=AMPLE)

    assert check.standing is Standing.UNKNOWN
    assert "no rows could be generated in public.t: " in check.reason
    assert 'samples/two.sql"' in check.help
    assert scaffold.check(BRIEFLY, samples=samples, max_block=AMPLE).standing is Standing.HOLDS


def test_an_upgrade_seen_on_empty_tables_alone_is_told(scaffold: Scaffold) -> None:
    add_slow(scaffold, "UPDATE t SET a = 1\nALTER TABLE t ADD COLUMN c int NOT NULL")

    check = scaffold.check(BRIEFLY, max_block=AMPLE)

    assert any(line.startswith("observed on empty tables") for line in check.details)
