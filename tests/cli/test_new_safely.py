"""`safemigrate new --sql`, `--recipe`: what one would write becomes what is safe to run."""

import pytest

from safemigrate.server import Server
from tests.cli.conftest import ProjectFolder, Run

TABLES = """\
op.execute("CREATE TABLE team (id bigint PRIMARY KEY, name text NOT NULL)")
op.execute(
    "CREATE TABLE users (id bigint PRIMARY KEY, email text, age integer, team_id bigint,"
    " nick varchar(20), CONSTRAINT grown CHECK (age > 3))"
)
op.execute("CREATE INDEX users_age ON users (age)")
op.execute("CREATE INDEX users_team ON users (team_id)")
"""
DROP_TABLES = 'op.drop_table("users")\nop.drop_table("team")'
SCHEMA = ("--select", "schema", "--server")


@pytest.fixture
def project(folder: ProjectFolder) -> ProjectFolder:
    """A project with two tables in use."""
    folder.revise("0001", TABLES, DROP_TABLES)
    return folder


def read_new(folder: ProjectFolder) -> list[str]:
    """Return the texts of the revisions that were written, in order."""
    paths = sorted((folder.path / "migrations/versions").glob("0*.py"))
    return [path.read_text(encoding="utf-8") for path in paths if path.name != "0001.py"]


def write(run: Run, *arguments: str) -> str:
    """Write revisions from 0002 on; return what was reported."""
    result = run("new", "change it", "--rev-id", "0002", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        (
            ("--recipe", "add-not-null", "--table", "users", "--column", "email"),
            ["postgresql_not_valid=True", "VALIDATE CONSTRAINT", "nullable=False"],
        ),
        (
            ("--recipe", "add-index", "--table", "users", "--column", "email"),
            ["postgresql_concurrently=True"],
        ),
        (
            ("--recipe", "add-check", "--table", "users", "--check", "age < 200"),
            ["postgresql_not_valid=True", "VALIDATE CONSTRAINT"],
        ),
        (
            (
                *("--recipe", "add-foreign-key", "--table", "users", "--column", "team_id"),
                *("--references", "team ON DELETE CASCADE"),
            ),
            ['ondelete="CASCADE"', "VALIDATE CONSTRAINT"],
        ),
        (
            ("--recipe", "add-unique", "--table", "team", "--column", "name"),
            ["postgresql_concurrently=True", "UNIQUE USING INDEX"],
        ),
        (
            (
                *("--recipe", "add-column", "--table", "users", "--column", "token"),
                *("--type", "uuid", "--default", "gen_random_uuid()"),
            ),
            ["op.add_column", "UPDATE users SET token = DEFAULT"],
        ),
        (("--sql", "ALTER TABLE users ADD number serial"), ["CREATE SEQUENCE", "DO $$", "", ""]),
        (
            ("--recipe", "rename-table", "--table", "users", "--to", "people"),
            ["CREATE VIEW users"],
        ),
        (("--recipe", "drop-index", "--name", "users_age"), ["postgresql_concurrently=True"]),
        (("--sql", "ALTER TABLE users ADD COLUMN note text"), ["ADD COLUMN note text"]),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_each_step_has_a_revision_that_lints_clean(
    project: ProjectFolder, run: Run, arguments: tuple[str, ...], steps: list[str]
) -> None:
    stdout = write(run, *arguments)

    texts = read_new(project)
    assert [step in text for step, text in zip(steps, texts, strict=True)] == [True] * len(steps)
    assert "No findings" in stdout
    assert run("lint", "--strict").exit_code == 0


def test_the_chain_can_be_run_rolled_back_and_run_again(
    project: ProjectFolder, run: Run, embedded_server: Server
) -> None:
    statements = (
        "ALTER TABLE users ADD CONSTRAINT old CHECK (age < 200)",
        "ALTER TABLE users ADD FOREIGN KEY (team_id) REFERENCES team ON DELETE CASCADE",
        "CREATE UNIQUE INDEX users_nick ON users (nick) WHERE age > 5",
        "ALTER TABLE users ADD token uuid DEFAULT gen_random_uuid() NOT NULL, ADD lang text",
        "ALTER TABLE team ADD UNIQUE (name)",
        "ALTER TABLE users ALTER COLUMN email SET NOT NULL",
        "ALTER TABLE users ADD COLUMN code text NOT NULL",
        "ALTER TABLE users ADD number serial",
        "ALTER TABLE users RENAME COLUMN code TO code_of_user",
        "DROP INDEX users_age",
        "CREATE TABLE log (at timestamptz NOT NULL, line text)",
        "CREATE INDEX log_line ON log (line)",
        "ALTER TABLE team RENAME TO squad",
    )
    stdout = write(run, "--sql", "; ".join(statements))

    result = run("verify", *SCHEMA, embedded_server.url("postgres"))

    assert result.exit_code == 0, stdout + result.output
    assert len(read_new(project)) > len(statements)


def test_what_ends_a_constraint_can_be_taken_back(
    project: ProjectFolder, run: Run, embedded_server: Server
) -> None:
    stdout = write(
        run,
        *("--recipe", "drop-constraint", "--table", "users", "--name", "grown"),
        *("--reason", "nobody asks for it since release 41"),
    )

    (text,) = read_new(project)
    assert "# safemigrate: ignore[dropped-constraint] nobody asks for it since" in text
    assert "No findings" in stdout
    result = run("verify", *SCHEMA, embedded_server.url("postgres"))
    assert result.exit_code == 0, result.output


def test_what_is_gone_for_good_says_so(
    project: ProjectFolder, run: Run, embedded_server: Server
) -> None:
    stdout = write(
        run,
        *("--recipe", "drop-column", "--table", "users", "--column", "nick"),
        *("--reason", "unused since release 41"),
    )

    (text,) = read_new(project)
    assert "# safemigrate: irreversible the values of nick in users are gone\n" in text
    assert 'raise NotImplementedError("the values of nick in users are gone")' in text
    assert "No findings" in stdout
    result = run("verify", *SCHEMA, embedded_server.url("postgres"))
    assert result.exit_code == 0, result.output


def test_rows_that_are_changed_are_proved_as_what_they_are(
    project: ProjectFolder, run: Run, embedded_server: Server
) -> None:
    stdout = write(run, "--sql", "UPDATE users SET age = 1 WHERE id = 1")

    (text,) = read_new(project)
    assert "# safemigrate: irreversible the values that rows of users had are gone\n" in text
    assert "No findings" in stdout
    result = run("verify", *SCHEMA, embedded_server.url("postgres"))
    assert result.exit_code == 0, result.output


def test_nobody_is_made_to_say_what_they_did_not(project: ProjectFolder, run: Run) -> None:
    stdout = write(run, "--recipe", "drop-column", "--table", "users", "--column", "nick")

    (text,) = read_new(project)
    assert "ignore[dropped-column]" not in text
    assert "error[dropped-column]" in stdout


def test_a_statement_without_a_safe_way_is_written_and_told(
    project: ProjectFolder, run: Run
) -> None:
    stdout = write(run, "--sql", "UPDATE users SET age = 1")

    (text,) = read_new(project)
    assert "UPDATE users SET age = 1" in text
    assert "warning[update-without-where]" in stdout


def test_subcommands_part_where_one_of_them_is_unsafe(project: ProjectFolder, run: Run) -> None:
    write(run, "--sql", "ALTER TABLE users ADD note text, ALTER email SET NOT NULL")
    apart = read_new(project)
    for path in (project.path / "migrations/versions").glob("0*_*.py"):
        path.unlink()
    write(run, "--sql", "ALTER TABLE users ADD note text, ADD word text")

    assert len(apart) == 4
    assert "ADD note text, ADD word text" in read_new(project)[0]


def test_texts_of_several_lines_keep_their_blanks(
    project: ProjectFolder, run: Run, database: str
) -> None:
    write(run, "--sql", "INSERT INTO team (id, name) VALUES (1, 'two\n  lines: of :them')")

    result = run("upgrade", "--url", database)

    assert result.exit_code == 0, result.output
    (text,) = read_new(project)
    assert r"'two\n  lines: of \\:them'" in text


def test_what_was_there_before_the_history_is_given_as_a_schema(
    folder: ProjectFolder, run: Run
) -> None:
    folder.write("old.sql", "CREATE TABLE users (id bigint PRIMARY KEY, email text);")

    write(run, "--schema", "old.sql", "--sql", "ALTER TABLE users ALTER email SET NOT NULL")

    assert len(read_new(folder)) == 3


def test_a_note_says_what_has_to_be_done_between(project: ProjectFolder, run: Run) -> None:
    stdout = write(run, "--sql", "ALTER TABLE users ADD COLUMN code text NOT NULL")

    note = "once every release in use fills it, and the old rows have a value"
    first = stdout.split("wrote ")[1].rpartition("/")[2].partition("_")[0]
    assert f"    {note}\n    until then: safemigrate upgrade {first}\n" in stdout
    assert f"    # {note}\n" in read_new(project)[1]
