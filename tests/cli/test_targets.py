"""One command on many databases, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.execute.fleet import TargetOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    from safemigrate.server import Server

CREATE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'
SAFEMIGRATE = (sys.executable, "-m", "safemigrate")
ADD = 'op.add_column("recipe", sa.Column("name", sa.Text()))'


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


def session(url: str) -> psycopg.Connection[tuple[object, ...]]:
    parsed = make_url(url).set(drivername="postgresql")
    return psycopg.connect(parsed.render_as_string(hide_password=False), autocommit=True)


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with session(url) as opened:
        return opened.execute(statement.encode()).fetchall()


def execute(url: str, *statements: str) -> None:
    with session(url) as opened:
        for statement in statements:
            opened.execute(statement.encode())


def has(url: str, relation: str) -> bool:
    return query(url, f"SELECT to_regclass('{relation}') IS NOT NULL") == [(True,)]


@pytest.fixture
def make(embedded_server: Server) -> Iterator[Callable[[int], list[str]]]:
    """Makes databases, and returns their URLs."""
    names: list[str] = []

    def make(number: int) -> list[str]:
        made = [embedded_server.create_database() for _ in range(number)]
        names.extend(made)
        return [embedded_server.url(name) for name in made]

    yield make
    for name in names:
        embedded_server.drop_database(name)


@pytest.fixture
def two(folder: ProjectFolder) -> ProjectFolder:
    """A project of two revisions."""
    folder.revise("1111", CREATE, 'op.drop_table("recipe")')
    folder.revise("2222", ADD, 'op.drop_column("recipe", "name")', after="1111")
    return folder


def options(urls: list[str]) -> list[str]:
    names = [f"t{number}={url}" for number, url in enumerate(urls, 1)]
    return [part for name in names for part in ("--target", name)]


def names(urls: list[str]) -> list[object]:
    return [make_url(url).database for url in urls]


def cells(output: str) -> list[list[str]]:
    """Return the rows of the table: target, outcome and how many revisions were applied."""
    lines = output.splitlines()
    rows = [line for line in lines[1 : lines.index("")] if not line.startswith(" ")]
    return [[cell.strip() for cell in line.split("  ") if cell.strip()][:3] for line in rows]


@pytest.mark.usefixtures("two")
def test_what_fails_is_told_with_its_reason_and_the_next_run_goes_on_from_there(
    run: Run,
    make: Callable[[int], list[str]],
    folder: ProjectFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    urls = make(5)
    execute(urls[2], "CREATE TABLE recipe (id int)")
    monkeypatch.setenv("FIRST", urls[0])
    listed = [f"t{number}={url}" for number, url in enumerate(urls, 1)][1:]
    nobody = "postgresql://app:hunter2@127.0.0.1:1/shop"
    file = folder.write("targets", "\n".join(["# all of them", "t1=${FIRST}", *listed, nobody]))
    arguments = ("upgrade", "--targets", str(file), "--jobs", "3", "--max-failures", "50%")
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert cells(result.stdout) == [
        ["t1", "done", "2"],
        ["t2", "done", "2"],
        ["t3", "failed", "0"],
        ["t4", "done", "2"],
        ["t5", "done", "2"],
        ["shop@127.0.0.1:1", "unusable", "0"],
    ]
    assert "42P07" in result.stdout
    assert "cannot connect to" in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.startswith("4 of 6 targets done in ")
    assert last.endswith("; 1 failed and 1 unusable; the same command goes on where this one ended")
    lines = result.stderr.splitlines()
    assert lines[0] == "t1: begins, and the others wait for it"
    assert any(line.startswith("t2: [1/2] 1111") for line in lines)
    assert any(line.startswith("[6/6] ") for line in lines)
    assert "hunter2" not in result.output
    execute(urls[2], "DROP TABLE recipe")
    again = run("upgrade", *options(urls[1:3]))
    assert again.exit_code == 0, again.output
    assert cells(again.stdout) == [["t1", "nothing to do", "0"], ["t2", "done", "2"]]
    assert all(has(url, "recipe") for url in urls)


def test_what_is_found_in_the_revisions_is_said_once(
    folder: ProjectFolder, run: Run, make: Callable[[int], list[str]]
) -> None:
    folder.revise("1111", 'op.execute("CREATE TABLE t (id int)")', 'op.drop_table("t")')
    urls = make(3)
    begun = run("upgrade", *options(urls))
    assert begun.exit_code == 0, begun.output
    folder.revise("2222", 'op.execute("DROP TABLE t")', after="1111")
    result = run("upgrade", *options(urls), "--override", "a test")
    assert result.exit_code == 0, result.output
    lines = result.stderr.splitlines()
    found = [line for line in lines if "data-loss" in line or "overridden" in line]
    assert found
    assert len(found) == len({line.partition(": ")[2] for line in found})
    # but what is done is said of each
    assert sum("[1/1] 2222" in line for line in lines) == 3


@pytest.mark.usefixtures("two")
def test_a_canary_that_fails_leaves_the_others_untouched(
    run: Run, make: Callable[[int], list[str]]
) -> None:
    urls = make(3)
    execute(urls[0], "CREATE TABLE recipe (id int)")
    result = run("upgrade", *options(urls), "--max-failures", "3")
    assert result.exit_code == 1
    assert cells(result.stdout) == [
        ["t1", "failed", "0"],
        ["t2", "not started"],
        ["t3", "not started"],
    ]
    assert not has(urls[1], "recipe")
    assert not has(urls[1], "alembic_version")
    assert 'the others wait for "t1", which did not succeed' in result.stdout


@pytest.mark.usefixtures("two")
def test_every_event_is_a_line_of_json_with_the_name_of_its_target(
    run: Run, make: Callable[[int], list[str]]
) -> None:
    urls = make(1)
    result = run("upgrade", "1111", *options(urls), "--format", "json", "--quiet")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["event"] for line in lines if line["event"] != "target_said"] == [
        "target_started",
        "target_finished",
        "fleet_finished",
    ]
    assert {line["target"] for line in lines[:-1]} == {"t1"}
    said = [line["said"]["event"] for line in lines if line["event"] == "target_said"]
    assert "revision_finished" in said
    assert said[-1] == "finished"
    last = lines[-1]
    (target,) = last["targets"]
    assert target.pop("duration_ms") > 0
    assert isinstance(target.pop("stalled_ms"), int)
    assert target == {
        "target": "t1",
        "schema": "",
        "outcome": "done",
        "exit_code": 0,
        "applied": ["1111"],
        "current": ["1111"],
        "error": None,
    }
    assert (last["version"], last["exit_code"], last["stop_reason"]) == (1, 0, "")
    downgraded = run("downgrade", *options(urls), "-1")
    assert downgraded.exit_code == 0, downgraded.output
    assert not has(urls[0], "recipe")


def list_commands() -> list[str]:
    """Return the command lines of all processes, as ps shows them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def wait_until(url: str, condition: str) -> None:
    end = time.monotonic() + 60
    pause = threading.Event()
    while query(url, f"SELECT {condition}") != [(True,)]:
        assert time.monotonic() < end, f"not within 60 s: {condition}"
        pause.wait(0.05)


IS_SLEEPING = (
    "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    " AND state = 'active' AND datname = current_database())"
)


def test_a_signal_stops_those_under_way_and_no_further_one_is_begun(
    folder: ProjectFolder, make: Callable[[int], list[str]]
) -> None:
    folder.revise("1111", CREATE)
    folder.revise("2222", 'op.execute("SELECT pg_sleep(600)")', after="1111")
    urls = make(3)
    lines = [f"t{number}={url}" for number, url in enumerate(urls, 1)]
    folder.write("targets", "\n".join(lines))
    process = subprocess.Popen(
        (*SAFEMIGRATE, "upgrade", "--targets", "targets", "--canary", "0", "--jobs", "2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder.path,
    )
    try:
        for url in urls[:2]:
            wait_until(url, IS_SLEEPING)
        shown = " ".join(list_commands())
        assert "safemigrate upgrade --format json" in shown
        assert not [name for name in names(urls) if f"{name}?" in shown or f"/{name}" in shown]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 4, out + err
    assert [row[:2] for row in cells(out)] == [
        ["t1", "part-way"],
        ["t2", "part-way"],
        ["t3", "not started"],
    ]
    assert "stopped by SIGTERM" in out
    assert "no further target is begun: stopped by SIGTERM" in err
    assert not has(urls[2], "alembic_version")
    assert query(urls[0], "SELECT version_num FROM alembic_version") == [("1111",)]
    assert query(urls[0], f"SELECT {IS_SLEEPING}") == [(False,)]


SCHEMAS = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'shop%' ORDER BY 1"

# The recipe of Alembic's cookbook for a schema for each tenant.
COOKBOOK_ENV = """\
    from alembic import context
    from sqlalchemy import create_engine, text

    tenant = context.get_x_argument(as_dictionary=True)["tenant"]
    engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
    with engine.connect() as connection:
        connection.execute(text('set search_path to "%s"' % tenant))
        connection.commit()
        connection.dialect.default_schema_name = tenant
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
    """

# env.py keeps its own search_path, and asks the environment.
VARIABLE_ENV = """\
    import os

    from alembic import context
    from sqlalchemy import create_engine, text

    tenant = os.environ["SAFEMIGRATE_SCHEMA"]
    engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
    with engine.connect() as connection:
        connection.execute(text('set search_path to "%s", public' % tenant))
        connection.commit()
        context.configure(connection=connection, version_table_schema=tenant)
        with context.begin_transaction():
            context.run_migrations()
    """

SHARED_ENV = """\
    from alembic import context
    from sqlalchemy import create_engine

    engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
    with engine.connect() as connection:
        context.configure(connection=connection, version_table_schema="public")
        with context.begin_transaction():
            context.run_migrations()
    """


@pytest.mark.usefixtures("two")
def test_each_schema_that_the_query_gives_is_a_target(run: Run, database: str) -> None:
    schemas = [f"shop_{number}" for number in range(1, 5)] + ["shop of Odd"]
    execute(database, *(f'CREATE SCHEMA "{schema}"' for schema in schemas))
    execute(database, 'CREATE TABLE "shop_3".recipe (id int)')
    arguments = ("--url", database, "--schemas-from", SCHEMAS)
    result = run("upgrade", *arguments)
    assert result.exit_code == 1, result.output
    assert dict(row[:2] for row in cells(result.stdout))["shop_3"] == "failed"
    assert not has(database, "public.recipe")
    execute(database, 'DROP TABLE "shop_3".recipe')
    result = run("upgrade", *arguments)
    assert result.exit_code == 0, result.output
    assert [row[0] for row in cells(result.stdout)] == sorted(schemas)
    for schema in schemas:
        assert has(database, f'"{schema}".recipe')
        versions = query(database, f'TABLE "{schema}".alembic_version')
        assert versions == [("2222",)]
    assert not has(database, "public.alembic_version")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("env", ["", COOKBOOK_ENV, VARIABLE_ENV])
def test_env_py_finds_the_schema_in_each_of_the_usual_ways(
    env: str, run: Run, database: str, folder: ProjectFolder
) -> None:
    if env:
        folder.write("migrations/env.py", env)
    execute(database, "CREATE SCHEMA one", "CREATE SCHEMA two")
    for schema, target in (("one", "heads"), ("two", "1111")):
        result = run("upgrade", target, "--url", database, "--in-schema", schema)
        assert result.exit_code == 0, result.output
    assert has(database, "one.recipe")
    assert has(database, "two.recipe")
    assert not has(database, "public.recipe")
    status = run("status", "--url", database, "--in-schema", "two")
    assert "at           1111" in status.stdout
    assert "1 revision pending" in status.stdout
    assert "SAFEMIGRATE_SCHEMA" not in os.environ


PARTIAL = """
op.create_index("recipe_name_idx", "recipe", ["name"])
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY recipe_id_idx ON recipe (id)")
op.execute("UPDATE recipe SET name = 1 / (id - id)")
"""


def test_what_one_tenant_has_half_done_is_nothing_to_another(
    run: Run, database: str, two: ProjectFolder
) -> None:
    two.revise("3333", PARTIAL, after="2222")
    execute(database, "CREATE SCHEMA one", "CREATE SCHEMA two")
    assert run("upgrade", "2222", "--url", database, "--in-schema", "one").exit_code == 0
    execute(database, "INSERT INTO one.recipe VALUES (1)")
    allowed = ("--url", database, "--override", "a test")
    assert run("upgrade", *allowed, "--in-schema", "one").exit_code == 4
    whole = run("upgrade", *allowed, "--in-schema", "two")
    assert whole.exit_code == 0, whole.output
    assert "half done" not in whole.output
    assert has(database, "two.recipe_id_idx")
    one = run("status", "--url", database, "--in-schema", "one").stdout
    assert "half done    3333  partly applied, and goes on after statement 2" in one
    assert run("status", "--url", database, "--in-schema", "two").stdout.endswith("up to date\n")
    execute(database, "DELETE FROM one.recipe")
    again = run("upgrade", *allowed, "--in-schema", "one")
    assert again.exit_code == 0, again.output
    assert has(database, "one.recipe_name_idx")


@pytest.mark.usefixtures("two")
def test_a_version_table_that_all_tenants_would_share_is_refused(
    run: Run, database: str, folder: ProjectFolder
) -> None:
    folder.write("migrations/env.py", SHARED_ENV)
    execute(database, "CREATE SCHEMA one")
    result = run("upgrade", "--url", database, "--in-schema", "one")
    assert result.exit_code == 2
    assert 'the version table is "public.alembic_version", not in the schema "one"' in result.stderr
    assert "version_table_schema=os.environ['SAFEMIGRATE_SCHEMA']" in result.stderr
    assert not has(database, "one.recipe")


def test_the_page_tells_of_every_outcome_and_every_option(run: Run) -> None:
    page = (Path(__file__).parents[2] / "docs" / "many-databases.md").read_text(encoding="utf-8")
    assert [one.value for one in TargetOutcome if f"`{one.value}`" not in page] == []
    help_text = run("upgrade", "--help").stdout
    named = set(re.findall(r"`(--[a-z-]+)", page))
    assert [option for option in sorted(named) if option not in help_text] == []


@pytest.mark.usefixtures("two")
def test_x_is_handed_to_env_py(run: Run, database: str, folder: ProjectFolder) -> None:
    env = folder.path / "migrations" / "env.py"
    text = env.read_text()
    check = 'assert context.get_x_argument(as_dictionary=True) == {"a": "1", "b": ""}\n'
    env.write_text(text.replace("engine =", f"{check}engine =", 1))
    result = run("upgrade", "--url", database, "-x", "a=1", "-x", "b")
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "a=b"), 'target "a": the database URL cannot be parsed'),
        (("--target", "eu"), '--target "eu": the database URL cannot be parsed'),
        (
            ("--target", "a=postgresql://h/a", "--target", "a=postgresql://h/b"),
            '2 targets are named "a"',
        ),
        (("--target", "postgresql://x/y", "--url", "postgresql://x/z"), "--url and --target both"),
        (("--targets", "none"), "no such file or directory"),
        (("--target", "postgresql://x/y", "--schemas-from", "SELECT 1"), "goes with --url"),
        (("--schemas-from", "SELECT 1", "--in-schema", "a"), "--schemas-from and --in-schema"),
        (("--target", "postgresql://x/y", "--max-failures", "0"), "neither a number from 1 on"),
        (("--target", "postgresql://x/y", "--max-failures", "101%"), "neither a number from 1 on"),
        (("--target", "postgresql://x/y", "--max-failures", "-1"), "neither a number from 1 on"),
        (("--target", "postgresql://x/y", "--jobs", "0"), "--jobs"),
    ],
)
def test_what_cannot_be_meant_is_an_error(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    result = run("upgrade", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT nothing", "42703"),
        ("CREATE TABLE t (id int)", "25006"),
        ("SELECT 1, 2", "gives something else than names"),
        ("SELECT NULL::text", "gives something else than names"),
        ("SELECT 'a'::text WHERE false", "gives no schema"),
        ("SELECT 'nowhere'::text", 'gives what is no schema: "nowhere"'),
        ("SELECT 'public'::text FROM generate_series(1, 2)", "is named more than once"),
    ],
)
def test_a_query_that_gives_no_schemas_is_an_error(
    run: Run, database: str, statement: str, message: str
) -> None:
    result = run("upgrade", "--url", database, "--schemas-from", statement)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.usefixtures("two")
def test_a_dry_run_writes_the_plan_of_each_target(
    run: Run, make: Callable[[int], list[str]]
) -> None:
    one, other = make(2)
    assert run("upgrade", "--url", one).exit_code == 0
    targets = ("--target", f"eu={one}", "--target", f"us={other}")
    result = run("upgrade", "--dry-run", *targets)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[lines.index("[eu]") + 3] == "nothing to do"
    rest = lines[lines.index("[us]") :]
    assert "gate: allows" in rest
    assert not has(other, "recipe")
    result = run("upgrade", "--dry-run", *targets, "--format", "json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["target"] for line in found] == ["eu", "us"]
    assert [len(line["plan"]["revisions"]) for line in found] == [0, 2]
    execute(other, "CREATE TABLE alembic_version (version_num text)")
    execute(other, "INSERT INTO alembic_version VALUES ('nope')")
    result = run("upgrade", "--dry-run", *targets, "--format", "json")
    assert result.exit_code == 2
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["exit_code"] for line in found] == [0, 2]
    assert found[1]["plan"] is None
    assert '[us] error: the database is at "nope"' in result.stderr
