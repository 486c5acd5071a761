"""`safemigrate verify`: its reports, its JSON and its exit codes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from safemigrate.server import Server
from safemigrate.source import open_project
from safemigrate.trace import open_connection
from safemigrate.verify import verify_history
from tests.cli.conftest import ProjectFolder, Run

REPOSITORY = Path(__file__).parents[2]

CREATE = 'op.execute("CREATE TABLE t (id int PRIMARY KEY, a int)")'
DROP = 'op.execute("DROP TABLE t")'
ADD = 'op.add_column("t", sa.Column("c", sa.Integer))'
SCHEMA = ("--select", "schema")
FACTS = ("--select", "facts")
DROP_FUNCTION = 'op.execute("DROP FUNCTION f")'
REMOVE = 'op.drop_column("t", "c")'


@pytest.fixture
def server(embedded_server: Server) -> str:
    """What `--server` takes."""
    return embedded_server.url("postgres")


def document(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_good_history_is_a_table_and_exits_0(
    folder: ProjectFolder, run: Run, server: str
) -> None:
    folder.revise("r1", CREATE, DROP)
    folder.revise("r2", ADD, REMOVE, after="r1")

    result = run("verify", *SCHEMA, *FACTS, "--server", server)

    assert result.exit_code == 0
    heading, first, second, _, counted, last = result.stdout.splitlines()
    assert heading.split() == [
        *("revision", "up", "down", "restored", "up", "again", "checks", "took"),
        *("strongest", "lock"),
    ]
    assert re.fullmatch(r"r1 +✓ +✓ +✓ +✓ +\d+ +\d+ ms  none", first)
    assert re.fullmatch(r"r2 +✓ +✓ +✓ +✓ +\d+ +\d+ ms  ACCESS EXCLUSIVE on public.t", second)
    assert re.fullmatch(r"Checks: \d+ hold\.", counted)
    assert re.fullmatch(
        r"Proved 2 revisions on PostgreSQL \d+ \(url\), and the whole way from head to base"
        r" and back\.",
        last,
    )
    assert result.stderr.splitlines() == ["[1/2] r1: proved", "[2/2] r2: proved"]


def test_what_the_configuration_imports_is_imported_first(
    folder: ProjectFolder, run: Run, server: str
) -> None:
    folder.revise("r1", CREATE, DROP)
    folder.write("safemigrate.toml", 'imports = ["verify_needs_this"]\n')

    refused = run("verify", *SCHEMA, "--server", server)

    assert refused.exit_code == 2
    assert '"verify_needs_this", which the key "imports" names' in refused.stderr


def test_quiet_writes_no_progress(folder: ProjectFolder, run: Run, server: str) -> None:
    folder.revise("r1", CREATE, DROP)

    result = run("verify", *SCHEMA, "--server", server, "--quiet")

    assert (result.exit_code, result.stderr) == (0, "")


def test_the_embedded_server_is_the_default(folder: ProjectFolder, run: Run) -> None:
    folder.revise("r1", CREATE, DROP)

    result = run("verify", *SCHEMA)

    assert result.exit_code == 0
    assert "(embedded)" in result.stdout


def test_a_downgrade_that_leaves_an_index_exits_1_and_names_it(
    folder: ProjectFolder, run: Run, server: str
) -> None:
    folder.revise("r1", CREATE, DROP)
    path = folder.revise("r2", 'op.create_index("i", "t", ["a"])', after="r1")

    result = run("verify", *SCHEMA, "--server", server)

    assert result.exit_code == 1
    assert f"r2   {path}" in result.stdout
    assert "✗ restores-schema: " in result.stdout
    assert "+ index public.i CREATE INDEX i ON public.t USING btree (a)" in result.stdout
    assert result.stdout.splitlines()[-1].endswith(
        "Not proved: 1 failed (r2). The way from head to base and back was not tried:"
        " not every revision can be rolled back: r2."
    )


def test_a_failing_upgrade_exits_1_without_a_traceback(
    folder: ProjectFolder, run: Run, server: str
) -> None:
    path = folder.revise("r1", 'op.execute("ALTER TABLE gone ADD COLUMN c int")')
    folder.revise("r2", CREATE, DROP, after="r1")

    result = run("verify", *SCHEMA, "--server", server)

    assert result.exit_code == 1
    assert f'{path}:9: relation "gone" does not exist (SQLSTATE 42P01)' in result.stdout
    assert "1 failed (r1) and 1 not tried (r2)" in result.stdout
    assert "Traceback" not in result.output


def test_a_refused_downgrade_is_a_failure_unless_the_revision_says_why(
    folder: ProjectFolder, run: Run, server: str
) -> None:
    path = folder.revise("r1", CREATE, 'raise NotImplementedError("no way back")')

    unsaid = run("verify", *SCHEMA, "--server", server)
    marked = Path(path)
    marked.write_text(f"{marked.read_text()}\n# safemigrate: irreversible it cannot be undone\n")
    said = run("verify", *SCHEMA, "--server", server)

    assert (unsaid.exit_code, said.exit_code) == (1, 0)
    assert "✗ has-downgrade: " in unsaid.stdout
    assert "NotImplementedError: no way back" in unsaid.stdout
    assert "Not proved: 1 failed (r1)." in unsaid.stdout
    assert "! has-downgrade: " in said.stdout
    assert "accepted: it cannot be undone" in said.stdout


def test_a_property_that_nobody_knows_is_one_error(
    folder: ProjectFolder, run: Run, server: str
) -> None:
    folder.revise("r1", CREATE, DROP)

    result = run("verify", "--select", "speed", "--server", server)

    assert result.exit_code == 2
    assert '--select names "speed", which is neither a property nor a family' in result.stderr


def test_the_properties_are_listed_without_a_project(run: Run) -> None:
    result = run("verify", "--properties")

    assert result.exit_code == 0
    assert re.search(r"^H09  keeps-rows +rows +\S", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("format_", "start"),
    [
        ("junit", "<?xml"),
        ("markdown", "<!-- safemigrate verify -->"),
        ("github", "::error file="),
    ],
)
def test_the_formats_of_others_are_written(
    folder: ProjectFolder, run: Run, server: str, format_: str, start: str
) -> None:
    folder.revise("r1", CREATE, "pass")

    result = run("verify", *SCHEMA, "--server", server, "--format", format_)

    assert result.exit_code == 1
    assert result.stdout.startswith(start)
    assert "restores-schema" in result.stdout


def test_the_json_is_the_contract(folder: ProjectFolder, run: Run, server: str) -> None:
    folder.revise("r1", CREATE, DROP)
    path = folder.revise("r2", ADD, REMOVE, after="r1")

    result = run("verify", "r2", *SCHEMA, *FACTS, "--server", server, "--format", "json")

    lock = {"relation": "public.t", "mode": "ACCESS EXCLUSIVE", "preexisting": True}
    statement = {
        "path": path,
        "revision": "r2",
        "ordinal": 1,
        "transaction": 1,
        "locks": [lock],
        "rewrites": [],
        "scans": [],
        "certainty": "known",
        "error": None,
        "rows": [],
        "rewrite_reasons": [],
    }
    assert result.exit_code == 0
    found = document(result.stdout)
    checks = found["revisions"][0].pop("checks")
    assert set(checks[0]) == {
        *("property", "number", "standing", "reason", "details", "help", "path", "line"),
        "warning",
    }
    assert {one["standing"] for one in checks} == {"holds"}
    for one in found["revisions"][0]["statements"]:
        assert one.pop("duration_ms") > 0
        assert one.pop("lock_timeout_ms") == 0
    assert found == {
        "version": 1,
        "checks": [],
        "revisions": [
            {
                "revision": "r2",
                "upgrade": "ok",
                "downgrade": "ok",
                "restored": True,
                "upgrade_again": "ok",
                "differences": [],
                "statements": [
                    {
                        **statement,
                        "line": 9,
                        "direction": "upgrade",
                        "sql": "ALTER TABLE t ADD COLUMN c INTEGER",
                    },
                    {
                        **statement,
                        "line": 13,
                        "direction": "downgrade",
                        "sql": "ALTER TABLE t DROP COLUMN c",
                    },
                ],
                "error": None,
            }
        ],
    }


def test_the_json_of_what_was_not_proved(folder: ProjectFolder, run: Run, server: str) -> None:
    folder.revise("r1", CREATE, "raise NotImplementedError")
    folder.revise("r2", 'op.execute("SELECT 1 / 0")', after="r1")
    folder.revise("r3", "pass", after="r2")

    result = run("verify", *SCHEMA, "--server", server, "--format", "json", "--quiet")

    revisions = document(result.stdout)["revisions"]
    assert result.exit_code == 1
    assert [
        (one["upgrade"], one["downgrade"], one["restored"], one["upgrade_again"])
        for one in revisions
    ] == [
        ("ok", "skipped", None, "skipped"),
        ("failed", "skipped", None, "skipped"),
        ("skipped", "skipped", None, "skipped"),
    ]
    assert "22012" in revisions[1]["error"]


def test_an_unknown_revision_is_a_usage_error(folder: ProjectFolder, run: Run, server: str) -> None:
    folder.revise("r1", CREATE, DROP)

    result = run("verify", "nonsense", "--server", server)

    assert result.exit_code == 2
    assert 'error: "nonsense" does not name a revision of this project' in result.stderr
    assert "hint: " in result.stderr


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nonsense", '"nonsense" is not a kind of server'),
        ("mysql://u:secret@localhost/d", '"mysql" is not PostgreSQL'),
        ("postgresql://u:secret@127.0.0.1:1/d", "cannot be reached"),
    ],
)
def test_a_server_that_cannot_be_had_is_one_error(
    folder: ProjectFolder, run: Run, kind: str, message: str
) -> None:
    folder.revise("r1", CREATE, DROP)

    result = run("verify", "--server", kind)

    assert result.exit_code == 2
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert "secret" not in result.output
    assert "Traceback" not in result.output


def test_a_server_that_does_not_answer_is_told_with_the_cause_and_what_to_do(
    folder: ProjectFolder, run: Run
) -> None:
    folder.revise("r1", CREATE, DROP)

    error, hint = run("verify", "--server", "postgresql://127.0.0.1:1/d").stderr.splitlines()

    assert error.startswith('error: "127.0.0.1:1" cannot be reached: ')
    assert "Connection refused" in error
    assert hint.startswith("hint: check host, port and database in the URL")


def test_a_role_that_may_not_create_databases_is_one_error(
    folder: ProjectFolder, run: Run, embedded_server: Server, server: str
) -> None:
    folder.revise("r1", CREATE, DROP)
    name = sql.Identifier("verify_without_createdb")
    with open_connection(server) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    try:
        url = embedded_server.url("postgres").replace("//postgres@", "//verify_without_createdb@")
        result = run("verify", "--server", url)
    finally:
        with open_connection(server) as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(name))

    assert result.exit_code == 2
    assert 'role "verify_without_createdb" may not create databases' in result.stderr


def test_a_project_without_revisions_proves_nothing_and_says_so(
    folder: ProjectFolder, run: Run, server: str
) -> None:
    result = run("verify", *SCHEMA, "--server", server)

    assert result.exit_code == 0
    assert "note: there are no revision files in" in result.stdout
    assert "Proved 0 revisions" in result.stdout
    assert folder.path.is_dir()


def test_a_missing_configuration_is_one_error(run: Run, folder: ProjectFolder) -> None:
    result = run("verify", "--config", str(folder.path / "gone.ini"))

    assert result.exit_code == 2
    assert "there is no Alembic configuration" in result.stderr


@pytest.mark.parametrize("kind", ["embedded_server", "container_server"])
def test_the_reference_history_is_proved(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    server: Server = request.getfixturevalue(kind)
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.syspath_prepend(REPOSITORY)

    proof = verify_history(open_project(Path("alembic.ini")), server)

    assert len(proof.revisions) >= 10
    assert [one for one in proof.revisions if not one.is_proved] == []
    assert proof.round_trip is not None
    assert (proof.round_trip.is_ok, proof.round_trip.differences) == (True, ())


def test_the_statements_are_those_of_explain(folder: ProjectFolder, run: Run, server: str) -> None:
    create = 'op.execute("""\n    CREATE TABLE t (\n        a text DEFAULT \'a;b\'\n    );\n\n""")'
    insert = "op.execute(\"INSERT INTO t VALUES ('100 %')\")"
    body = 'op.execute("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC; SELECT 1; END ;")'
    comment = "op.execute(\"-- why; and how\\nCOMMENT ON TABLE t IS '50 %';\")"
    folder.revise("r1", f"{create}\n{insert}\n{body}\n{comment}", f"{DROP}\n{DROP_FUNCTION}")

    explained = document(run("explain", "--format", "json").stdout)["statements"]
    arguments = ("verify", *SCHEMA, *FACTS, "--server", server, "--format", "json")
    proof = document(run(*arguments).stdout)

    observed = proof["revisions"][0]["statements"]
    assert proof["revisions"][0]["error"] is None
    assert [one["sql"] for one in observed] == [one["sql"] for one in explained]
    assert observed[0]["sql"].startswith("CREATE TABLE")


def test_an_env_that_commits_every_statement_by_itself_is_refused_as_by_upgrade(
    folder: ProjectFolder, run: Run, server: str, database: str
) -> None:
    folder.revise("r1", CREATE, DROP)
    env = (folder.path / "migrations" / "env.py").read_text()
    folder.write(
        "migrations/env.py",
        env.replace(
            "engine.connect()", "engine.connect().execution_options(isolation_level='AUTOCOMMIT')"
        ),
    )

    refused = run("verify", *SCHEMA, "--server", server)

    assert refused.exit_code == 2, refused.output
    assert refused.stdout == ""
    assert "commits every statement by itself" in refused.stderr
    assert refused.stderr == run("upgrade", "--url", database).stderr


def test_no_password_is_shown(folder: ProjectFolder, run: Run, server: str) -> None:
    role = "op.execute(\"CREATE ROLE verify_role PASSWORD 's3cret'\")"
    folder.revise("r1", role, 'op.execute("DROP ROLE verify_role")')
    folder.revise("r2", role + "\n" + role, 'op.execute("DROP ROLE verify_role")', after="r1")

    for format_ in ("text", "json"):
        result = run("verify", *SCHEMA, "--server", server, "--format", format_)
        assert "verify_role" in result.stdout
        assert "s3cret" not in result.output
