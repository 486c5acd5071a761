"""What `upgrade` and `downgrade` refuse, and what it takes to run it all the same."""

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import pq
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

from tests.cli.conftest import ProjectFolder, Run

TABLE = 'op.create_table("recipe", sa.Column("name", sa.Text()))'
DROP = 'op.drop_table("recipe")'
INDEX = 'op.create_index("recipe_name_idx", "recipe", ["name"])'
DROP_INDEX = 'op.drop_index("recipe_name_idx", table_name="recipe")'
REASON = "the table is empty until release 42"


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def has(url: str, relation: str) -> bool:
    with psycopg.connect(plain(url)) as session:
        (found,) = session.execute("SELECT to_regclass(%s) IS NOT NULL", (relation,)).fetchall()
    return found == (True,)


def execute(url: str, *statements: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as session:
        for statement in statements:
            session.execute(statement.encode())


def overrides(run: Run, url: str) -> list[str]:
    """Return what the history says was overridden, run by run."""
    document = json.loads(run("history", "--format", "json", "--url", url).stdout)
    return [one["override"] for one in document["runs"]]


@pytest.fixture
def unsafe(folder: ProjectFolder) -> ProjectFolder:
    """A project with error findings in both directions of its second revision."""
    folder.revise("aaaa", TABLE, DROP)
    folder.revise("bbbb", INDEX, DROP_INDEX, after="aaaa")
    return folder


@pytest.mark.usefixtures("unsafe")
def test_a_pending_error_is_shown_and_refused(run: Run, database: str) -> None:
    result = run("upgrade", "--url", database)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "error[non-concurrent-index]: " in result.stderr
    assert "migrations/versions/bbbb.py:9:5" in result.stderr
    error, hint = result.stderr.splitlines()[-2:]
    assert error == "error: 1 error finding in 1 pending revision, nothing was changed"
    assert "rewrite" in hint
    assert "# safemigrate: ignore[non-concurrent-index] the reason" in hint
    assert '--override "the reason"' in hint
    assert not has(database, "recipe")


@pytest.mark.usefixtures("unsafe")
def test_what_is_not_pending_does_not_matter(run: Run, database: str) -> None:
    result = run("upgrade", "aaaa", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "bbbb" not in result.stderr


PARTITIONED = (
    'op.execute("CREATE TABLE meal (id int) PARTITION BY HASH (id)")\n'
    'op.execute("CREATE TABLE meal_0 PARTITION OF meal'
    ' FOR VALUES WITH (MODULUS 1, REMAINDER 0)")'
)


def outside(statement: str) -> str:
    return f"with op.get_context().autocommit_block():\n    op.execute({statement!r})"


def test_what_the_runner_does_by_partition_is_told_and_not_refused(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("aaaa", PARTITIONED)
    folder.revise("bbbb", outside("CREATE INDEX CONCURRENTLY i ON meal (id)"), after="aaaa")
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.output
    assert "info[concurrent-index-on-partitioned-table]: " in result.stderr
    assert "`safemigrate upgrade` alone builds it partition by partition" in result.stderr
    assert has(database, "meal_0_id_idx")


@pytest.mark.parametrize(
    "refused",
    [
        'op.execute("CREATE INDEX CONCURRENTLY i ON meal (id)")',
        outside("DROP INDEX CONCURRENTLY meal_id_idx"),
    ],
    ids=["building in a transaction", "dropping"],
)
def test_what_the_runner_does_not_do_by_partition_is_refused(
    folder: ProjectFolder, run: Run, database: str, refused: str
) -> None:
    folder.revise("aaaa", f'{PARTITIONED}\nop.execute("CREATE INDEX ON meal (id)")')
    folder.revise("bbbb", refused, after="aaaa")
    result = run("upgrade", "--url", database)
    assert result.exit_code == 1
    assert "error[concurrent-index-on-partitioned-table]: " in result.stderr
    assert not has(database, "meal")


def test_a_suppressed_error_is_let_through(unsafe: ProjectFolder, run: Run, database: str) -> None:
    reason = f"# safemigrate: ignore[non-concurrent-index] {REASON}\n"
    unsafe.revise("bbbb", reason + INDEX, DROP_INDEX, after="aaaa")
    assert run("upgrade", "--url", database).exit_code == 0


def test_the_configuration_counts(unsafe: ProjectFolder, run: Run, database: str) -> None:
    unsafe.write("safemigrate.toml", '[rules]\nno-such-rule = "off"\n')
    assert run("upgrade", "--url", database).exit_code == 2
    unsafe.write("safemigrate.toml", '[rules]\nnon-concurrent-index = "off"\n')
    assert run("upgrade", "--url", database).exit_code == 0


def test_what_cannot_be_judged_is_said_and_let_through(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    code = "if op.get_bind().scalar(sa.text('SELECT relname FROM pg_class')) is None:\n    pass\n"
    # what no server is
    code += "if op.get_bind().dialect.driver == 'recording':\n    1 / 0"
    folder.revise("aaaa", f"{TABLE}\n{code}", DROP)
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "not judged: migrations/versions/aaaa.py:13: ZeroDivisionError" in result.stderr
    assert "assumed: migrations/versions/aaaa.py:10: reads from the database" in result.stderr


@pytest.mark.usefixtures("unsafe")
def test_an_override_runs_it_and_is_kept_in_the_history(run: Run, database: str) -> None:
    result = run("upgrade", "--override", f" {REASON} ", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "error[non-concurrent-index]: " in result.stderr
    warning = f"warning: 1 error finding in 1 pending revision overridden: {REASON}"
    assert warning in result.stderr.splitlines()
    assert has(database, "recipe_name_idx")
    history = run("history", "--url", database).stdout
    assert history.count(f"    overridden: {REASON}\n") == 2
    document = json.loads(run("history", "--format", "json", "--url", database).stdout)
    assert [one["override"] for one in document["runs"]] == [REASON, REASON]


@pytest.mark.usefixtures("unsafe")
def test_an_override_of_nothing_is_not_kept(run: Run, database: str) -> None:
    result = run("upgrade", "aaaa", "--override", REASON, "--url", database)
    assert result.exit_code == 0
    assert "overridden" not in result.stderr
    document = json.loads(run("history", "--format", "json", "--url", database).stdout)
    assert [one["override"] for one in document["runs"]] == [""]


@pytest.mark.usefixtures("unsafe")
@pytest.mark.parametrize("reason", ["", "  \t\n"])
def test_an_override_needs_a_reason(run: Run, database: str, reason: str) -> None:
    result = run("upgrade", "--override", reason, "--url", database)
    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    assert error == "error: the reason of --override is empty"
    assert hint.startswith("hint: ")
    assert not has(database, "recipe")


@pytest.mark.usefixtures("unsafe")
def test_a_downgrade_shows_what_is_found_and_goes_on(run: Run, database: str) -> None:
    assert run("upgrade", "--override", REASON, "--url", database).exit_code == 0
    result = run("downgrade", "base", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "error[non-concurrent-drop-index]: " in result.stderr
    warning = "warning: 1 error finding in what is taken back; a downgrade runs all the same"
    assert warning in result.stderr.splitlines()
    assert not has(database, "recipe")
    document = json.loads(run("history", "--format", "json", "--url", database).stdout)
    assert [one["override"] for one in document["runs"]] == [REASON, REASON, "", ""]


@pytest.mark.usefixtures("unsafe")
def test_one_kind_is_allowed_and_kept_in_the_history(run: Run, database: str) -> None:
    result = run("upgrade", "--allow", f"findings= {REASON} = yes", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert overrides(run, database) == [f"{REASON} = yes"] * 2


@pytest.mark.usefixtures("unsafe")
def test_another_kind_does_not_count(run: Run, database: str) -> None:
    result = run("upgrade", "--allow", f"edited={REASON}", "--url", database)
    assert result.exit_code == 1
    assert not has(database, "recipe")


@pytest.mark.usefixtures("unsafe")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("finding=because", '--allow knows no kind of objection "finding"'),
        ("because", '--allow knows no kind of objection "because"'),
        ("findings=", "the reason of --allow is empty"),
        ("findings", "the reason of --allow is empty"),
    ],
)
def test_a_kind_needs_its_name_and_a_reason(
    run: Run, database: str, given: str, message: str
) -> None:
    result = run("upgrade", "--allow", given, "--url", database)
    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    assert error == f"error: {message}"
    assert hint.startswith("hint: ")


@pytest.fixture
def applied(folder: ProjectFolder, run: Run, database: str) -> ProjectFolder:
    """A project with a revision that was applied, and a pending one behind it."""
    folder.revise("aaaa", TABLE, DROP)
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    folder.revise("bbbb", 'op.execute("SELECT 1")', after="aaaa")
    return folder


def test_a_comment_in_an_applied_revision_changes_nothing(
    applied: ProjectFolder, run: Run, database: str
) -> None:
    path = applied.path / "migrations/versions/aaaa.py"
    path.write_text(path.read_text().replace("    op.", "    # first\n\n    op."))
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert overrides(run, database) == ["", ""]


def test_an_applied_revision_that_was_edited_refuses(
    applied: ProjectFolder, run: Run, database: str
) -> None:
    applied.revise("aaaa", TABLE.replace("sa.Text", "sa.String"), DROP)
    result = run("upgrade", "--url", database)
    assert result.exit_code == 1
    error, hint = result.stderr.splitlines()[-2:]
    assert error == ('error: revision "aaaa" was edited after being applied, nothing was changed')
    assert '--allow edited="the reason"' in hint
    assert len(overrides(run, database)) == 1
    result = run("upgrade", "--allow", f"edited={REASON}", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert overrides(run, database) == ["", f"edited: {REASON}"]


def test_a_revision_that_was_taken_back_may_be_edited(
    applied: ProjectFolder, run: Run, database: str
) -> None:
    assert run("downgrade", "base", "--url", database).exit_code == 0
    applied.revise("aaaa", TABLE.replace("sa.Text", "sa.String"), DROP)
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr


def test_a_fork_refuses_unless_it_is_said_what_to_run(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("aaaa", TABLE, DROP)
    folder.revise("bbbb", "pass", after="aaaa")
    folder.revise("cccc", "pass", after="aaaa")
    result = run("upgrade", "--url", database)
    assert result.exit_code == 1
    error, hint = result.stderr.splitlines()[-2:]
    assert error.startswith('error: the history forks into 2 heads, "bbbb", "cccc"')
    assert '--allow heads="the reason"' in hint
    assert not has(database, "recipe")
    assert run("upgrade", "bbbb", "--url", database).exit_code == 0
    assert run("upgrade", "--url", database).exit_code == 1
    assert run("upgrade", "heads", "--url", database).exit_code == 0


def test_a_fork_can_be_overridden(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.revise("aaaa", "pass")
    folder.revise("bbbb", "pass", after="aaaa")
    folder.revise("cccc", "pass", after="aaaa")
    result = run("upgrade", "--allow", f"heads={REASON}", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert overrides(run, database) == [f"heads: {REASON}"] * 3


@pytest.mark.usefixtures("applied")
def test_a_downgrade_in_production_needs_a_reason(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.write("safemigrate.toml", "[run]\nproduction = true\n")
    assert run("upgrade", "--url", database).exit_code == 0
    result = run("downgrade", "base", "--url", database)
    assert result.exit_code == 1
    error, hint = result.stderr.splitlines()[-2:]
    assert error.startswith("error: the database is marked production")
    assert '--allow production="the reason"' in hint
    assert has(database, "recipe")
    result = run("downgrade", "base", "--allow", f"production={REASON}", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert not has(database, "recipe")
    assert overrides(run, database)[2:] == [f"production: {REASON}"] * 2


@pytest.fixture
def rewriting(folder: ProjectFolder, run: Run, database: str) -> ProjectFolder:
    """A project whose pending revision rewrites a table that has rows."""
    folder.write("safemigrate.toml", 'ignore = ["all"]\n')
    folder.revise("aaaa", 'op.execute("CREATE TABLE recipe (id int)")')
    assert run("upgrade", "--url", database).exit_code == 0
    execute(database, "INSERT INTO recipe SELECT generate_series(1, 10000)")
    change = "ALTER TABLE recipe ALTER id TYPE bigint"
    folder.revise("bbbb", f'op.execute("{change}")', after="aaaa")
    return folder


@pytest.mark.usefixtures("rewriting")
def test_a_rewrite_without_room_refuses(run: Run, database: str) -> None:
    few = ("--disk-free-bytes", "4096", "--url", database)
    result = run("upgrade", *few)
    assert result.exit_code == 1
    error, hint = result.stderr.splitlines()[-2:]
    assert error.startswith("error: a rewrite needs about ")
    assert "there is 4 KiB" in error
    assert '--allow disk="the reason"' in hint
    result = run("upgrade", "--allow", f"disk={REASON}", *few)
    assert result.exit_code == 0, result.stderr
    assert overrides(run, database) == ["", f"disk: {REASON}"]


@pytest.mark.usefixtures("rewriting")
def test_the_room_of_a_server_on_this_machine_is_seen(run: Run, database: str) -> None:
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "free disk" not in result.stderr


@pytest.mark.usefixtures("rewriting")
def test_room_that_the_role_may_not_see_is_said_to_be_unknown(
    run: Run, database: str, deployer: str
) -> None:
    url = make_url(database).set(username=deployer).render_as_string(hide_password=False)
    result = run("plan", "--url", url)
    assert result.exit_code == 0, result.stderr
    assert "how much there is cannot be seen from here; --disk-free-bytes says it" in result.stdout


@pytest.fixture
def deployer(database: str) -> Iterator[str]:
    """The name of a role that may read what there is, and see nothing of the server."""
    execute(
        database,
        "CREATE ROLE deployer LOGIN",
        "GRANT USAGE ON SCHEMA public, safemigrate TO deployer",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public, safemigrate TO deployer",
    )
    yield "deployer"
    execute(database, "DROP OWNED BY deployer", "DROP ROLE deployer")


@contextmanager
def standby(url: str) -> Iterator[str]:
    """Feed a session from the server as a standby is fed, which tells that it has replayed all.

    Yields its name.
    """
    name = "the one far away"
    options = make_conninfo(plain(url), replication="true", application_name=name)
    fed = pq.PGconn.connect(options.encode())
    try:
        assert fed.status == pq.ConnStatus.OK, fed.error_message
        with psycopg.connect(plain(url), autocommit=True) as session:
            row = session.execute("SELECT pg_current_wal_flush_lsn()").fetchone()
            assert row is not None
            result = fed.exec_(f"START_REPLICATION PHYSICAL {row[0]}".encode())
            assert result.status == pq.ExecStatus.COPY_BOTH, fed.error_message
            session.execute("CREATE TABLE is_replayed ()")
            end = 0
            while not end:
                _, message = fed.get_copy_data(0)
                assert message is not None
                # https://www.postgresql.org/docs/current/protocol-replication.html
                if bytes(message[:1]) == b"w":
                    (end,) = struct.unpack(">q", bytes(message[9:17]))
            fed.put_copy_data(struct.pack(">cqqqqb", b"r", end, end, end, 0, 0))
            fed.flush()
            asked = "SELECT count(*) FROM pg_stat_replication WHERE replay_lag IS NOT NULL"
            assert any(session.execute(asked).fetchone() == (1,) for _ in range(10_000))
            yield name
    finally:
        fed.finish()


@pytest.mark.usefixtures("applied")
def test_a_replica_that_is_too_far_behind_refuses(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.write("safemigrate.toml", "[run]\nmax-replica-lag-s = 0\n")
    with standby(database) as name:
        result = run("upgrade", "--url", database)
        assert result.exit_code == 1
        error, hint = result.stderr.splitlines()[-2:]
        assert error.startswith(f'error: replica "{name}" is ')
        assert error.endswith("more than the 0 s of max-replica-lag-s, nothing was changed")
        assert '--allow replica-lag="the reason"' in hint
        result = run("upgrade", "--allow", f"replica-lag={REASON}", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert overrides(run, database) == ["", f"replica-lag: {REASON}"]


@pytest.mark.usefixtures("applied")
def test_a_replica_that_the_role_may_not_see_is_said_to_be_unknown(
    folder: ProjectFolder, run: Run, database: str, deployer: str
) -> None:
    folder.write("safemigrate.toml", "[run]\nmax-replica-lag-s = 3600\n")
    url = make_url(database).set(username=deployer).render_as_string(hide_password=False)
    with standby(database):
        result = run("plan", "--url", url)
    assert result.exit_code == 0, result.stderr
    assert "is behind is not known: the role may not see it" in result.stdout
