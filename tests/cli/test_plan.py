"""`safemigrate plan`, and `--dry-run`."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.report import plan_documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

Session = psycopg.Connection[tuple[Any, ...]]

CREATE = 'op.execute("CREATE TABLE recipe (id bigint PRIMARY KEY, n int)")'
REWRITE = 'op.execute("ALTER TABLE recipe ALTER n TYPE bigint")'
BUILD = """\
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY recipe_n ON recipe (n)")
"""
NO_RULES = 'ignore = ["all"]\n'


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


@contextmanager
def connected(url: str, **options: str) -> Iterator[Session]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, **options) as session:  # type: ignore[arg-type] # what libpq takes
        yield session


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    with connected(database) as session:
        yield session


@pytest.fixture
def recipes(folder: ProjectFolder, run: Run, database: str, session: Session) -> ProjectFolder:
    """A project whose first revision was applied; the table it made has rows."""
    folder.write("safemigrate.toml", NO_RULES)
    folder.revise("aaaa", CREATE, 'op.drop_table("recipe")')
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    session.execute("INSERT INTO recipe SELECT g, g FROM generate_series(1, 20000) AS g")
    session.execute("ANALYZE recipe")
    return folder


def plan(run: Run, url: str, *options: str, command: str = "plan", code: int = 0) -> Any:
    result = run(command, *options, "--format", "json", "--url", url)
    assert result.exit_code == code, result.stderr
    return json.loads(result.stdout)


def test_statements_come_with_what_they_meet_and_what_is_done(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    recipes.revise("bbbb", REWRITE, after="aaaa")
    recipes.revise("cccc", BUILD, after="bbbb")
    result = run("plan", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0] == f"{make_url(database).database} (PostgreSQL 18) is at aaaa"
    assert lines[2] == "upgrade bbbb"
    assert lines[3] == "   1  migrations/versions/bbbb.py:9  transaction 1"
    assert lines[4] == "      ALTER TABLE recipe ALTER n TYPE bigint"
    assert lines[5].startswith("      public.recipe: ACCESS EXCLUSIVE, rewritten, 1.")
    assert lines[5].endswith(" MiB, about 20,000 rows")
    assert lines[6].startswith("      → waits beside the queue until nobody holds what it needs")
    assert "; others wait for " in lines[6]
    assert lines[8] == "upgrade cccc"
    assert lines[9] == "   1  migrations/versions/cccc.py:10  no transaction"
    assert lines[11].startswith("      public.recipe: SHARE UPDATE EXCLUSIVE, read to its end, ")
    assert lines[12].startswith("      → runs beside the application, watched; ends when ")
    assert "gate: allows" in lines
    assert lines[-1].startswith("2 revisions, 2 statements; longest wait for others: ")


def test_the_json_has_the_same_keys_always(
    recipes: ProjectFolder, run: Run, database: str, session: Session
) -> None:
    recipes.revise("bbbb", REWRITE, after="aaaa")
    document = plan(run, database)
    ((size,),) = session.execute("SELECT pg_total_relation_size('recipe')").fetchall()
    statement = document["revisions"][0]["statements"][0]
    work, hold = statement.pop("work"), statement.pop("hold")
    assert work == hold
    assert work["ms"] > 0
    assert work["bound"] == "about"
    assert document == {
        "version": 1,
        "database": make_url(database).database,
        "pg_version": 18,
        "direction": "upgrade",
        "current": ["aaaa"],
        "revisions": [
            {
                "revision": "bbbb",
                "message": "",
                "path": "migrations/versions/bbbb.py",
                "resumption": "whole",
                "rewrite_bytes": size,
                "obstacle": None,
                "statements": [
                    {
                        "ordinal": 1,
                        "path": "migrations/versions/bbbb.py",
                        "line": 9,
                        "sql": "ALTER TABLE recipe ALTER n TYPE bigint",
                        "transaction": 1,
                        "certainty": "known",
                        "relations": [
                            {
                                "relation": "public.recipe",
                                "lock": "ACCESS EXCLUSIVE",
                                "new": False,
                                "rewritten": True,
                                "scanned": True,
                                "size_bytes": size,
                                "rows": 20000,
                                "holders": [],
                            }
                        ],
                        "course": "look, then lock",
                        "locked_together": ["public.recipe"],
                        "waits_for_snapshots": False,
                        "row_hold": None,
                    }
                ],
            }
        ],
        "replicas": [],
        "gate": {"allowed": True, "objections": [], "notices": []},
    }


def test_the_keys_of_the_json_are_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "plan.md").read_text("utf-8")
    table = page.partition("| object | keys |")[2].partition("`work` is")[0]
    documented = {}
    for row in table.splitlines()[2:]:
        cells = row.split("|")
        if len(cells) > 1:
            documented[cells[1].strip()] = re.findall(r"`([a-z_]+)`", cells[2].partition(":")[0])
    structs = {
        name.strip("_").removesuffix("Document").lower(): list(thing.__struct_fields__)
        for name, thing in vars(plan_documents).items()
        if name.endswith("Document")
    }
    structs["document"] = structs.pop("plan")
    assert documented == structs


def wait_for_autovacuum(session: Session) -> None:
    """Return as soon as one works on the table; fail after 30 s."""
    end = time.monotonic() + 30
    query = (
        "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE relation = 'recipe'::regclass AND backend_type = 'autovacuum worker'"
    )
    while not session.execute(query).fetchall():
        assert time.monotonic() < end
        session.execute("SELECT pg_sleep(0.05)")


def test_an_autovacuum_in_the_way_is_said_to_go(
    recipes: ProjectFolder, run: Run, database: str, session: Session
) -> None:
    recipes.revise("bbbb", REWRITE, after="aaaa")
    session.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
    session.execute("SELECT pg_reload_conf()")
    try:
        session.execute(
            "ALTER TABLE recipe SET (autovacuum_vacuum_cost_delay = 100,"
            " autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_threshold = 1,"
            " autovacuum_vacuum_scale_factor = 0)"
        )
        session.execute("DELETE FROM recipe WHERE id % 2 = 0")
        wait_for_autovacuum(session)
        text = run("plan", "--url", database).stdout
        document = plan(run, database)
    finally:
        session.execute("ALTER SYSTEM RESET autovacuum_naptime")
        session.execute("SELECT pg_reload_conf()")
    assert "      → has PostgreSQL end the autovacuum, then locks; others wait for" in text
    assert ", which PostgreSQL ends for it\n" in text
    (holder,) = document["revisions"][0]["statements"][0]["relations"][0]["holders"]
    assert holder["gives_way"] is True


def test_who_is_in_the_way_is_named(recipes: ProjectFolder, run: Run, database: str) -> None:
    recipes.revise("bbbb", REWRITE, after="aaaa")
    with connected(database, application_name="the report") as reader, reader.transaction():
        reader.execute("SELECT count(*) FROM recipe")
        pid = reader.info.backend_pid
        text = run("plan", "--url", database).stdout
        document = plan(run, database)
    held = f"        held now with ACCESS SHARE by pid {pid} ("
    (line,) = (line for line in text.splitlines() if line.startswith(held))
    assert 'application "the report"' in line
    assert line.endswith(": SELECT count(*) FROM recipe")
    assert text.splitlines()[-1].endswith("; 1 session in the way now")
    (holder,) = document["revisions"][0]["statements"][0]["relations"][0]["holders"]
    assert (holder["pid"], holder["mode"]) == (pid, "ACCESS SHARE")
    assert holder["age_ms"] >= 0


def test_a_table_that_somebody_has_locked_holds_up_no_plan(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    recipes.revise("bbbb", REWRITE, after="aaaa")
    with connected(database) as other, other.transaction():
        other.execute("LOCK TABLE recipe IN ACCESS EXCLUSIVE MODE")
        document = plan(run, database)
    assert any("something holds ACCESS EXCLUSIVE" in one for one in document["gate"]["notices"])
    (relation,) = document["revisions"][0]["statements"][0]["relations"]
    assert [one["mode"] for one in relation["holders"]] == ["ACCESS EXCLUSIVE"]


def test_it_takes_no_deploy_lock_and_writes_nothing(
    folder: ProjectFolder, run: Run, database: str, session: Session
) -> None:
    folder.revise("aaaa", CREATE)
    before = session.execute("SELECT count(*) FROM pg_class").fetchone()
    session.execute("CREATE ROLE looker LOGIN")
    try:
        url = make_url(database).set(username="looker").render_as_string(hide_password=False)
        assert plan(run, url)["revisions"][0]["revision"] == "aaaa"
    finally:
        session.execute("DROP ROLE looker")
    assert session.execute("SELECT count(*) FROM pg_class").fetchone() == before
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    assert session.execute(locks).fetchone() == (0,)


def test_nothing_is_pending(recipes: ProjectFolder, run: Run, database: str) -> None:
    del recipes
    result = run("plan", "--url", database)
    assert result.exit_code == 0, result.stderr
    name = make_url(database).database
    assert result.stdout == f"{name} (PostgreSQL 18) is at aaaa\n\nnothing to do\n"
    assert plan(run, database)["revisions"] == []


def test_a_revision_that_is_not_here_is_one_clear_error(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    (recipes.path / "migrations/versions/aaaa.py").unlink()
    recipes.revise("bbbb", "pass")
    result = run("plan", "--url", database)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[0] == (
        'error: the database is at "aaaa", and no file here has that revision id'
    )


def test_a_refusal_comes_with_its_override(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.revise("aaaa", CREATE)
    folder.revise("bbbb", REWRITE, after="aaaa")
    result = run("plan", "--url", database)
    assert result.exit_code == 1
    assert "error[column-type-rewrite]" in result.stderr
    lines = result.stdout.splitlines()
    assert "gate: refuses" in lines
    assert "  findings: 1 error finding in 1 pending revision" in lines
    assert '    to override: --allow findings="the reason"' in lines
    document = plan(run, database, code=1)
    (objection,) = document["gate"]["objections"]
    assert objection["option"] == '--allow findings="the reason"'
    assert objection["overridden"] == ""
    document = plan(run, database, "--allow", "findings=it is empty")
    (objection,) = document["gate"]["objections"]
    assert objection["overridden"] == "it is empty"
    assert document["gate"]["allowed"]
    text = run("plan", "--override", "it is empty", "--url", database).stdout
    assert "gate: allows, overridden" in text.splitlines()


def test_a_fork_is_shown_with_what_to_do(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.revise("aaaa", "pass")
    folder.revise("bbbb", "pass", after="aaaa")
    folder.revise("cccc", "pass", after="aaaa")
    document = plan(run, database, code=1)
    assert [one["kind"] for one in document["gate"]["objections"]] == ["heads"]
    assert len(document["revisions"]) == 3
    assert plan(run, database, "heads")["gate"]["allowed"]


def test_an_empty_revision_sends_nothing(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.revise("aaaa", "pass")
    assert "    sends no statement" in run("plan", "--url", database).stdout.splitlines()


def test_a_dry_run_shows_the_plan_and_changes_nothing(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    recipes.revise("bbbb", REWRITE, after="aaaa")
    there = plan(run, database, "--dry-run", command="upgrade")
    assert [one["revision"] for one in there["revisions"]] == ["bbbb"]
    back = plan(run, database, "base", "--dry-run", command="downgrade")
    assert back["direction"] == "downgrade"
    assert [one["revision"] for one in back["revisions"]] == ["aaaa"]
    assert back["revisions"][0]["statements"][0]["sql"] == "DROP TABLE recipe"
    assert plan(run, database)["current"] == ["aaaa"]


def test_names_are_looked_for_where_the_session_looks(
    folder: ProjectFolder, run: Run, database: str, session: Session
) -> None:
    folder.write("safemigrate.toml", NO_RULES)
    session.execute("CREATE SCHEMA cook; CREATE TABLE cook.pan (id int)")
    name = make_url(database).database
    session.execute(f'ALTER DATABASE "{name}" SET search_path = cook, public'.encode())
    folder.revise("aaaa", 'op.execute("ALTER TABLE pan ADD n int")')
    document = plan(run, database)
    (relation,) = document["revisions"][0]["statements"][0]["relations"]
    assert relation["relation"] == "cook.pan"
    assert relation["size_bytes"] == 0


def test_what_an_earlier_run_has_done_is_skipped(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    fails = 'op.execute("UPDATE recipe SET n = 1 / 0")'
    recipes.revise("bbbb", f"{BUILD}{fails}", after="aaaa")
    assert run("upgrade", "--url", database).exit_code == 4
    statements = plan(run, database)["revisions"][0]["statements"]
    assert [one["course"] for one in statements] == ["done before", "at once"]
    assert statements[0]["work"] is None
    text = run("plan", "--url", database).stdout
    assert "      → skipped, for an earlier run has done it" in text.splitlines()


@pytest.mark.parametrize("rows", [20_000, 100_000, 500_000])
def test_the_estimate_is_of_the_right_order(
    recipes: ProjectFolder, run: Run, database: str, session: Session, rows: int
) -> None:
    session.execute("TRUNCATE recipe")
    session.execute(b"INSERT INTO recipe SELECT g, g FROM generate_series(1, %d) AS g" % rows)
    recipes.revise("bbbb", REWRITE, after="aaaa")
    recipes.revise("cccc", 'op.execute("ALTER TABLE recipe ALTER n SET NOT NULL")', after="bbbb")
    statements = [one["statements"][0] for one in plan(run, database)["revisions"]]
    for statement in statements:
        begun = time.perf_counter()
        session.execute(statement["sql"].encode())
        took = (time.perf_counter() - begun) * 1000
        # what changes the catalog alone is within the 5 ms that everything takes
        assert took / 10 - 5 < statement["hold"]["ms"] < took * 10 + 5, statement["sql"]


def test_a_half_done_revision_that_was_edited_is_seen(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    fails = 'op.execute("UPDATE recipe SET n = 1 / 0")'
    recipes.revise("bbbb", f"{BUILD}{fails}", after="aaaa")
    assert run("upgrade", "--url", database).exit_code == 4
    # what comes after may change
    recipes.revise("bbbb", f"{BUILD}{fails.replace('1 / 0', '1')}", after="aaaa")
    assert plan(run, database)["revisions"][0]["obstacle"] is None
    edited = BUILD.replace("(n)", "(n, id)")
    recipes.revise("bbbb", f"{edited}{fails}", after="aaaa")
    obstacle = plan(run, database, code=1)["revisions"][0]["obstacle"]
    text = run("plan", "--url", database).stdout
    assert f"    stops here: {obstacle['text']}" in text.splitlines()
    assert "; upgrade would stop" in text.splitlines()[-1]
    assert "safemigrate resolve bbbb --forget" in obstacle["advice"]
    stopped = run("upgrade", "--url", database)
    assert stopped.exit_code == 4
    assert obstacle["text"] in stopped.stderr


def test_a_half_done_revision_is_skipped_behind_its_settings(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    setting = "op.execute(\"SET application_name = 'cook'\")\n"
    fails = 'op.execute("UPDATE recipe SET n = 1 / 0")'
    recipes.revise("bbbb", f"{setting}{BUILD}{fails}", after="aaaa")
    assert run("upgrade", "--url", database).exit_code == 4
    recipes.revise("bbbb", f"{setting}{BUILD}{fails} # again", after="aaaa")
    (revision,) = plan(run, database)["revisions"]
    courses = [one["course"] for one in revision["statements"]]
    assert courses == ["done before", "done before", "at once"]
    assert revision["obstacle"] is None


def test_a_half_done_revision_whose_texts_hold_several_statements_goes_on(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    both = 'op.execute("SET lock_timeout = 900; ALTER TABLE recipe ADD m int; SELECT 1;")\n'
    end = "op.get_bind().commit()\n"
    fails = 'op.execute("UPDATE recipe SET n = 1 / 0")'
    recipes.revise("bbbb", f"{both}{BUILD}{fails}", after="aaaa")
    assert run("upgrade", "--url", database).exit_code == 4
    recipes.revise("bbbb", f"{both}{BUILD}{fails}  # {end.strip()}", after="aaaa")
    assert plan(run, database)["revisions"][0]["obstacle"] is None


def test_an_update_says_how_long_its_rows_are_locked(
    recipes: ProjectFolder, run: Run, database: str, session: Session
) -> None:
    session.execute("INSERT INTO recipe SELECT g, g FROM generate_series(20001, 500000) AS g")
    session.execute("ANALYZE recipe")
    recipes.revise("bbbb", 'op.execute("UPDATE recipe SET n = n + 1")', after="aaaa")
    (statement,) = plan(run, database)["revisions"][0]["statements"]
    assert statement["hold"] is None
    assert statement["row_hold"] == statement["work"]
    assert statement["row_hold"]["ms"] > 1000
    (arrow,) = (line for line in run("plan", "--url", database).stdout.splitlines() if "→" in line)
    assert "; who changes the same rows waits for about " in arrow


def test_a_database_that_is_ahead_is_said_to_be(
    recipes: ProjectFolder, run: Run, database: str
) -> None:
    recipes.revise("bbbb", "pass", after="aaaa")
    assert run("upgrade", "--url", database).exit_code == 0
    for target in ("base", "aaaa"):
        result = run("plan", target, "--url", database)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.endswith(
            f'nothing to do\n  note: the database is ahead of "{target}", and upgrade takes '
            f"nothing back; `safemigrate downgrade {target}` does\n"
        )
        (notice,) = plan(run, database, target)["gate"]["notices"]
        assert notice.startswith(f'the database is ahead of "{target}"')
    for target in ("bbbb", "heads", "head", "bb"):
        assert plan(run, database, target)["gate"]["notices"] == []
