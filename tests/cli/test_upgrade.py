"""`safemigrate upgrade` and `downgrade`: the words, the JSON, the exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.cli.streams import read_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from click.testing import Result

    from safemigrate.server import Server

CREATE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'
DROP = 'op.drop_table("recipe")'
ADD = 'op.add_column("recipe", sa.Column("name", sa.Text()))'
INDEX = 'op.create_index("recipe_name_idx", "recipe", ["name"])'


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


STATEMENT = ("statement_started", "statement_finished")


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    parsed = make_url(url).set(drivername="postgresql")
    with psycopg.connect(parsed.render_as_string(hide_password=False), autocommit=True) as session:
        return session.execute(statement.encode()).fetchall()


def has(url: str, relation: str) -> bool:
    return query(url, f"SELECT to_regclass('{relation}') IS NOT NULL") == [(True,)]


@pytest.fixture
def two(folder: ProjectFolder) -> ProjectFolder:
    folder.revise("1111", CREATE, DROP)
    folder.revise("2222", ADD, 'op.drop_column("recipe", "name")', after="1111")
    return folder


@pytest.mark.usefixtures("two")
def test_it_tells_what_it_does_and_ends_in_one_line(run: Run, database: str) -> None:
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("applied 2 revisions in ")
    assert result.stdout.endswith(", database is at 2222\n")
    lines = result.stderr.splitlines()
    assert lines[0] == "database is at base, 2 revisions to apply"
    assert lines[1:3] == ["  1111", "  2222"]
    assert lines[3].startswith("  lock_timeout 100 ms, statement_timeout none, ")
    assert lines[4] == "  deadline 5 min 0 s, stall budget 1.0 s, when busy: wait"
    assert lines[5].startswith("[1/2] 1111")
    assert lines[6].startswith("      done in ")
    assert lines[7].startswith("[2/2] 2222")
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0
    assert result.stdout == "nothing to do, database is at 2222\n"
    assert result.stderr == ""


@pytest.mark.usefixtures("two")
def test_quiet_leaves_the_last_line(run: Run, database: str) -> None:
    result = run("upgrade", "--quiet", "--url", database)
    assert result.stderr == ""
    assert result.stdout.startswith("applied 2 revisions")


@pytest.mark.usefixtures("two")
def test_the_json_says_what_was_applied(run: Run, database: str) -> None:
    result = run("upgrade", "--format", "json", "--url", database)
    lines = read_stream(result.stdout)
    assert [line["event"] for line in lines] == [
        "run_planned",
        "run_configured",
        *(["revision_started", *STATEMENT, "revision_finished"] * 2),
        "finished",
    ]
    last = lines[-1]
    assert [one["revision"] for one in last["applied"]] == ["1111", "2222"]
    assert {one["attempts"] for one in last["applied"]} == {1}
    assert last["current"] == ["2222"]
    assert last["exit_code"] == 0
    (nothing,) = read_stream(run("upgrade", "--format", "json", "--url", database).stdout)
    assert nothing["event"] == "finished"
    assert nothing["applied"] == []
    assert nothing["current"] == ["2222"]


def test_the_json_of_a_failure_has_what_was_applied_before_it(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("1111", CREATE, DROP)
    folder.revise("2222", 'op.execute("SELECT 1 / 0")', after="1111")
    result = run("upgrade", "--format", "json", "--url", database)
    assert result.exit_code == 4
    document = read_stream(result.stdout)[-1]
    assert document["event"] == "failed"
    assert document["exit_code"] == 4
    assert [one["revision"] for one in document["applied"]] == ["1111"]
    assert document["current"] is None
    error, hint = result.stderr.splitlines()[-2:]
    assert error == f"error: {document['error']['message']}"
    assert hint == f"hint: {document['error']['hint']}"
    assert "division by zero" in error


@pytest.mark.parametrize(
    "url", ["somebody:sesame@localhost", "postgresql://a:sesame@localhost:1/b"]
)
def test_the_json_of_a_run_that_did_not_begin(folder: ProjectFolder, run: Run, url: str) -> None:
    folder.revise("1111", CREATE, DROP)
    for command in (("upgrade",), ("downgrade", "base")):
        result = run(*command, "--format", "json", "--url", url)
        assert result.exit_code == 2
        (document,) = read_stream(result.stdout)
        assert document["applied"] == []
        assert document["error"]["message"]
        assert "sesame" not in result.output


@pytest.mark.usefixtures("two")
def test_what_the_configuration_imports_is_imported_first(
    folder: ProjectFolder, run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(folder.path)
    folder.write("safemigrate.toml", 'imports = ["upgrade_needs_this"]\n')

    refused = run("upgrade", "--url", database)

    assert refused.exit_code == 2
    assert '"upgrade_needs_this", which the key "imports" names' in refused.stderr
    folder.write("upgrade_needs_this.py", "")
    assert run("upgrade", "--url", database).exit_code == 0


@pytest.mark.usefixtures("two")
def test_the_url_comes_from_the_environment_too(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_URL", database)
    assert run("upgrade", "+1").exit_code == 0
    assert has(database, "recipe")


@pytest.mark.usefixtures("two")
def test_without_a_url_it_is_the_one_of_env(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.write(
        "alembic.ini",
        f"""\
        [alembic]
        script_location = %(here)s/migrations
        sqlalchemy.url = {database.replace("%", "%%")}
        """,
    )
    assert run("upgrade").exit_code == 0
    assert has(database, "recipe")


@pytest.mark.usefixtures("two")
def test_a_url_wins_over_the_one_that_env_writes_down_itself(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    env = (folder.path / "migrations" / "env.py").read_text()
    folder.write(
        "migrations/env.py",
        env.replace(
            'context.config.get_main_option("sqlalchemy.url")',
            '"postgresql+psycopg://nobody@localhost:1/nothing"',
        ),
    )
    assert run("upgrade", "--url", database).exit_code == 0
    assert has(database, "recipe")


@pytest.mark.usefixtures("two")
def test_an_unsafe_revision_is_refused_before_anything_is_changed(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    path = folder.revise("3333", INDEX, 'op.drop_index("recipe_name_idx")', after="2222")
    result = run("upgrade", "--url", database)
    assert result.exit_code == 1
    assert "non-concurrent-index" in result.stderr
    assert path in result.stderr
    assert result.stdout == ""
    assert not has(database, "recipe")
    assert not has(database, "alembic_version")
    reason = "  # safemigrate: ignore[non-concurrent-index] the table is empty"
    folder.revise("3333", INDEX + reason, 'op.drop_index("recipe_name_idx")', after="2222")
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert has(database, "recipe_name_idx")


def test_a_downgrade_takes_revisions_back(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.revise("1111", CREATE, "op.get_bind()")
    folder.revise("2222", "op.get_bind()", "op.get_bind()", after="1111")
    run("upgrade", "--url", database)
    result = run("downgrade", "-1", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("took back 1 revision in ")
    assert result.stdout.endswith(", database is at 1111\n")
    assert "database is at 2222, 1 revision to take back" in result.stderr
    result = run("downgrade", "base", "--format", "json", "--url", database)
    document = read_stream(result.stdout)[-1]
    assert document["current"] == []
    assert [one["direction"] for one in document["applied"]] == ["downgrade"]


def test_a_downgrade_needs_to_be_told_how_far(folder: ProjectFolder, run: Run) -> None:
    folder.revise("1111", CREATE, DROP)
    result = run("downgrade")
    assert result.exit_code == 2
    assert "Missing argument 'REV'" in result.stderr


@pytest.mark.usefixtures("two")
def test_a_lock_that_is_not_to_be_had_is_told_with_its_holder(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    run("upgrade", "1111", "--url", database)
    parsed = make_url(database).set(drivername="postgresql")
    with psycopg.connect(parsed.render_as_string(hide_password=False)) as blocker:
        blocker.execute("SELECT FROM recipe")
        pid = blocker.info.backend_pid
        options = ("--lock-timeout-ms", "300", "--lock-attempts", "2", "--url", database)
        result = run("upgrade", *options)
        blocker.rollback()
    assert result.exit_code == 3, result.stderr
    assert result.stdout == ""
    assert 'waiting for ACCESS EXCLUSIVE on "recipe", held by' in result.stderr
    assert "lock timeout in attempt 1, rolled back; again in" in result.stderr
    error, hint = result.stderr.splitlines()[-2:]
    assert error.startswith('error: revision "2222" at migrations/versions/2222.py:9 gave up')
    assert f"held by pid {pid} (user" in hint
    assert "SELECT FROM recipe" in hint
    assert folder.path.name not in result.stderr
    stored = error.removeprefix("error: ") + "; " + hint.removeprefix("hint: ").partition(";")[0]
    last = json.loads(run("status", "--format", "json", "--url", database).stdout)["last"]
    assert last["error"] == stored
    assert "canceling statement" not in last["error"]
    assert f"held by pid {pid} (user" in run("status", "--url", database).stdout
    assert "SELECT FROM recipe" in run("history", "--url", database).stdout


@pytest.mark.usefixtures("two")
def test_the_configuration_says_how_to_wait(folder: ProjectFolder, run: Run, database: str) -> None:
    run("upgrade", "1111", "--url", database)
    folder.write("safemigrate.toml", "lock-timeout-ms = 50\nlock-attempts = 1\n")
    parsed = make_url(database).set(drivername="postgresql")
    with psycopg.connect(parsed.render_as_string(hide_password=False)) as blocker:
        blocker.execute("SELECT FROM recipe")
        result = run("upgrade", "--url", database)
        blocker.rollback()
    assert result.exit_code == 3
    assert "after 1 attempt in" in result.stderr


@pytest.mark.parametrize(("body", "code"), [("1 / 0", 1), ('op.execute("SELECT 1 / 0")', 1)])
def test_a_revision_that_fails_is_told_in_two_lines(
    folder: ProjectFolder, run: Run, database: str, body: str, code: int
) -> None:
    folder.revise("1111", CREATE, DROP)
    folder.revise("2222", "pass", "pass", after="1111")
    run("upgrade", "1111", "--url", database)
    folder.revise(
        "2222", f"if op.get_bind().dialect.server_version_info:\n    {body}", after="1111"
    )
    result = run("upgrade", "--url", database)
    assert result.exit_code == code, result.stderr
    assert "division by zero" in result.stderr
    assert "migrations/versions/2222.py:" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unsafe_env_is_refused_with_the_reason(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("1111", CREATE, DROP)
    env = (folder.path / "migrations" / "env.py").read_text()
    folder.write("migrations/env.py", env.replace("engine.connect()", "engine.begin()"))
    result = run("upgrade", "--url", database)
    assert result.exit_code == 2
    assert "already in a transaction" in result.stderr
    assert not has(database, "alembic_version")


@pytest.fixture(params=[("upgrade",), ("downgrade", "base"), ("status",), ("history",)])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    arguments: tuple[str, ...] = request.param
    return arguments


def refused(result: Result, *parts: str, code: int = 2) -> None:
    """Assert that the command ended in one clear error that has all the parts."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 2, result.stderr
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    for part in parts:
        assert part in result.stderr
    assert "sesame" not in result.output


@pytest.mark.usefixtures("two")
def test_a_server_that_is_not_there(run: Run, command: tuple[str, ...]) -> None:
    url = "postgresql://somebody:sesame@localhost:1/nothing"
    refused(run(*command, "--url", url), "cannot connect", "localhost")


@pytest.mark.usefixtures("two")
def test_a_database_that_is_not_there(run: Run, database: str, command: tuple[str, ...]) -> None:
    url = make_url(database).set(database="nothing").render_as_string(hide_password=False)
    refused(run(*command, "--url", url), "nothing")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://somebody:sesame@localhost/x"])
def test_another_kind_of_database(run: Run, command: tuple[str, ...], url: str) -> None:
    result = run(*command, "--url", url)
    refused(result, "not of PostgreSQL")
    # that it was given is what is wrong
    assert "hint: give a URL such as postgresql://" in result.stderr


@pytest.mark.usefixtures("two")
def test_the_url_that_alembic_init_writes(
    run: Run, folder: ProjectFolder, command: tuple[str, ...]
) -> None:
    url = "driver://user:pass@localhost/dbname"
    folder.write(
        "alembic.ini", f"[alembic]\nscript_location = migrations\nsqlalchemy.url = {url}\n"
    )
    result = run(*command)
    refused(
        result, 'sqlalchemy.url in "alembic.ini" is still the example that `alembic init` wrote'
    )
    assert "give one by --url or the variable SAFEMIGRATE_URL" in result.stderr


@pytest.mark.usefixtures("two")
def test_a_url_that_cannot_be_read(run: Run, command: tuple[str, ...]) -> None:
    refused(run(*command, "--url", "somebody:sesame@localhost"), "cannot be parsed")


@pytest.fixture
def locked(embedded_server: Server, database: str) -> Iterator[str]:
    """The URL of a role that needs a password, with the wrong one."""
    ((hba,),) = query(database, "SELECT current_setting('hba_file')")
    path = Path(str(hba))
    before = path.read_text()
    query(database, "SELECT set_config('password_encryption', 'scram-sha-256', false)")
    execute = f"CREATE ROLE locked_{os.getpid()} LOGIN PASSWORD 'right'"
    parsed = make_url(database).set(drivername="postgresql")
    dsn = parsed.render_as_string(hide_password=False)
    with psycopg.connect(dsn, autocommit=True) as session:
        session.execute(execute.encode())
        path.write_text(f"local all locked_{os.getpid()} scram-sha-256\n{before}")
        session.execute("SELECT pg_reload_conf()")
        yield (
            make_url(database)
            .set(username=f"locked_{os.getpid()}", password="sesame")  # noqa: S106 - a wrong one
            .render_as_string(hide_password=False)
        )
        path.write_text(before)
        session.execute("SELECT pg_reload_conf()")
        session.execute(f"DROP ROLE locked_{os.getpid()}".encode())
    assert embedded_server.kind == "embedded"


@pytest.mark.usefixtures("two")
def test_a_wrong_password(run: Run, locked: str, command: tuple[str, ...]) -> None:
    refused(run(*command, "--url", locked), "password authentication failed", "locked_")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("target", "message"),
    [("nope", 'no such revision or branch "nope"'), ("+9", "relative revision +9")],
)
def test_a_revision_that_is_not_there(run: Run, database: str, target: str, message: str) -> None:
    refused(run("upgrade", target, "--url", database), message)


def test_a_head_that_is_not_the_only_one(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.revise("1111", CREATE, DROP)
    folder.revise("2222", "pass")
    refused(run("upgrade", "head", "--url", database), '"head" is ambiguous', '"heads" for all')


@pytest.mark.usefixtures("two")
def test_a_terminal_gets_colour_and_a_clock_and_the_same_words(
    folder: ProjectFolder, database: str
) -> None:
    command = (sys.executable, "-m", "safemigrate", "upgrade", "--url", database)
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120"}
    environment.pop("NO_COLOR", None)
    reader, writer = pty.openpty()
    with subprocess.Popen(
        command, cwd=folder.path, stdout=writer, stderr=writer, env=environment
    ) as process:
        os.close(writer)
        written = b"".join(iter(lambda: _read(reader), b"")).decode()
    os.close(reader)
    assert process.returncode == 0
    assert "\x1b[" in written
    assert "1111" in written
    assert "applied 2 revisions" in written


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:
        # the other end is closed
        return b""


def test_a_signal_stops_it_and_says_so(folder: ProjectFolder, database: str) -> None:
    folder.revise("1111", CREATE, DROP)
    folder.revise("2222", 'op.execute("SELECT pg_sleep(600)")', after="1111")
    with subprocess.Popen(
        (sys.executable, "-m", "safemigrate", "upgrade", "--url", database),
        cwd=folder.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert any(line.startswith("[2/2]") for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 4, err
    assert out == ""
    assert "SIGTERM: stopping where nothing is lost" in err
    assert 'error: stopped by SIGTERM in revision "2222"' in err
    assert 'kept: "1111"' in err
    assert "Traceback" not in err


def test_an_older_target_is_not_gone_back_to_without_a_word(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("1111", "pass")
    folder.revise("2222", "pass", after="1111")
    assert run("upgrade", "--url", database).exit_code == 0
    for target in ("base", "1111"):
        result = run("upgrade", target, "--url", database)
        assert result.exit_code == 0
        assert result.stdout == "nothing to do, database is at 2222\n"
        assert f'warning: the database is ahead of "{target}", and upgrade' in result.stderr
    for target in ("2222", "heads"):
        assert run("upgrade", target, "--url", database).stderr == ""
