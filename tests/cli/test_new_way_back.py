"""`safemigrate new`: what a downgrade leaves where it was, and what is said of it."""

import pytest

from tests.cli.conftest import ProjectFolder, Run

THERE = """\
op.execute("CREATE EXTENSION pgcrypto")
op.execute("CREATE SCHEMA app")
op.execute("CREATE SEQUENCE number")
op.execute("CREATE TABLE users (id bigint PRIMARY KEY, email text)")
op.execute("CREATE SEQUENCE owned OWNED BY users.id")
op.execute("CREATE MATERIALIZED VIEW seen AS SELECT id FROM users")
op.execute("ALTER TABLE users ENABLE ROW LEVEL SECURITY")
op.execute("CREATE TABLE open (id bigint PRIMARY KEY)")
"""
TRIGGER = (
    "CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
)
UNREAD = """op.execute("DO $$ BEGIN EXECUTE current_setting('app.sql'); END $$")"""


def write(folder: ProjectFolder, run: Run, *arguments: str) -> tuple[str, str]:
    """Write the one revision 0002; return its downgrade with the comments above, and stderr."""
    result = run("new", "change it", "--rev-id", "0002", *arguments)
    assert result.exit_code == 0, result.output
    text = folder.read("migrations/versions/0002_change_it.py")
    return text[text.index("def upgrade()") :], result.stderr


@pytest.fixture
def project(folder: ProjectFolder) -> ProjectFolder:
    """A project that has one of everything."""
    folder.revise("0001", THERE, "op.execute('DROP SCHEMA app')")
    return folder


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE EXTENSION IF NOT EXISTS pgcrypto",
        "CREATE SCHEMA IF NOT EXISTS app",
        "CREATE SEQUENCE IF NOT EXISTS number",
        "CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY)",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS seen AS SELECT id FROM users",
        "ALTER TABLE users ADD COLUMN IF NOT EXISTS email text",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
    ],
)
def test_what_is_there_already_is_left_there(project: ProjectFolder, run: Run, sql: str) -> None:
    text, _ = write(project, run, "--sql", sql)

    downgrade = text[text.index("def downgrade()") :]
    assert "op." not in downgrade
    assert "raise" not in downgrade
    assert "only rows are changed" not in text


@pytest.mark.parametrize(
    "sql",
    [
        TRIGGER,
        "CREATE EXTENSION IF NOT EXISTS citext",
        "CREATE SEQUENCE IF NOT EXISTS users_id_seq",
        "ALTER SEQUENCE owned OWNED BY open.id",
        "ALTER TABLE open FORCE ROW LEVEL SECURITY",
    ],
)
def test_what_nobody_knows_is_not_taken_away(project: ProjectFolder, run: Run, sql: str) -> None:
    text, _ = write(project, run, "--sql", sql)

    assert "# safemigrate: irreversible nobody knows" in text
    assert "raise NotImplementedError" in text
    assert "DROP" not in text


@pytest.mark.parametrize(
    ("sql", "back"),
    [
        ("CREATE SCHEMA IF NOT EXISTS new", "DROP SCHEMA new"),
        ("CREATE SEQUENCE IF NOT EXISTS new", "DROP SEQUENCE new"),
        ("ALTER SEQUENCE number OWNED BY open.id", "OWNED BY NONE"),
        ("ALTER TABLE users ADD COLUMN IF NOT EXISTS note text", "op.drop_column"),
        ("ALTER TABLE open ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"),
        ("CREATE EXTENSION citext", "DROP EXTENSION citext"),
    ],
)
def test_what_is_new_is_taken_away(project: ProjectFolder, run: Run, sql: str, back: str) -> None:
    text, _ = write(project, run, "--sql", sql)

    assert back in text[text.index("def downgrade()") :]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE IF NOT EXISTS old (id bigint PRIMARY KEY)",
        "ALTER TABLE old ADD COLUMN IF NOT EXISTS note text",
        "CREATE SCHEMA IF NOT EXISTS old",
        "CREATE SEQUENCE IF NOT EXISTS old",
        "CREATE OR REPLACE VIEW old AS SELECT 1 AS one",
        "ALTER TABLE old ENABLE ROW LEVEL SECURITY",
    ],
)
def test_a_history_with_gaps_takes_nothing_away(folder: ProjectFolder, run: Run, sql: str) -> None:
    folder.revise("0001", UNREAD)

    text, _ = write(folder, run, "--sql", sql)

    assert "raise NotImplementedError" in text
    assert "DROP" not in text
    assert "op.drop" not in text


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("UPDATE users SET email = 'x' WHERE id = 1", "the values that rows of users had are gone"),
        ("DELETE FROM users WHERE id = 1", "the rows deleted from users are gone"),
        (
            "DO $$ BEGIN DELETE FROM users WHERE id = 1; END $$",
            "the rows deleted from users are gone",
        ),
        ("INSERT INTO users (id) VALUES (1)", "nobody knows which rows users had before"),
        (
            "ALTER TABLE users ADD note text; UPDATE users SET email = note WHERE id = 1",
            "the values that rows of users had are gone",
        ),
    ],
)
def test_rows_that_are_changed_cannot_be_put_back(
    project: ProjectFolder, run: Run, sql: str, reason: str
) -> None:
    text, _ = write(project, run, "--sql", sql)

    assert f"# safemigrate: irreversible {reason}\n" in text
    assert f'raise NotImplementedError("{reason}")' in text


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE users ADD note text; UPDATE users SET note = 'x' WHERE id = 1",
        "CREATE TABLE kinds (id bigint PRIMARY KEY); INSERT INTO kinds (id) VALUES (1)",
    ],
)
def test_what_fills_a_new_table_or_column_goes_with_it(
    project: ProjectFolder, run: Run, sql: str
) -> None:
    text, _ = write(project, run, "--sql", sql)

    assert "raise NotImplementedError" not in text
    assert "op.drop" in text


def test_only_what_changes_rows_is_said_to(project: ProjectFolder, run: Run) -> None:
    sql = "ALTER TABLE users ADD key uuid DEFAULT gen_random_uuid()"

    assert run("new", "m", "--sql", sql).exit_code == 0

    texts = [
        one.read_text(encoding="utf-8")
        for one in (project.path / "migrations/versions").glob("*.py")
    ]
    said = [one for one in texts if "# safemigrate: ignore[empty-downgrade] only rows" in one]
    assert ["DO $$" in one for one in said] == [True]


def test_comments_go_above_the_function_and_not_into_the_docstring(
    project: ProjectFolder, run: Run
) -> None:
    sql = "ALTER TABLE users DROP COLUMN email"

    result = run("new", "x def downgrade( y", "--rev-id", "a1", "--sql", sql)

    assert result.exit_code == 0, result.output
    text = project.read("migrations/versions/a1_x_def_downgrade_y.py")
    assert text.startswith('"""x def downgrade( y\n')
    assert text.index("# safemigrate: irreversible") > text.index("def upgrade()")


def test_comments_are_written_in_the_encoding_of_the_project(
    project: ProjectFolder, run: Run
) -> None:
    settings = "output_encoding = latin-1\n"
    project.write("alembic.ini", project.read("alembic.ini") + settings)
    mako = project.path / "migrations/script.py.mako"
    mako.write_text(
        '#!python\n# -*- coding: latin-1 -*-\n"""${message}"""\nfrom alembic import op\n'
        "revision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n\n\n"
        'def upgrade():\n    ${upgrades if upgrades else "pass"}\n\n\n'
        'def downgrade():\n    ${downgrades if downgrades else "pass"}\n'
    )
    sql = "ALTER TABLE users DROP COLUMN email"

    result = run("new", "für", "--rev-id", "a1", "--sql", sql, "--reason", "für immer")

    assert result.exit_code == 0, result.output
    (path,) = (project.path / "migrations/versions").glob("a1_*.py")
    text = path.read_bytes().decode("latin-1")
    assert '"""für"""' in text
    assert "] für immer\n" in text
    assert "# safemigrate: irreversible" in text


def test_a_template_without_a_downgrade_is_told(project: ProjectFolder, run: Run) -> None:
    mako = project.path / "migrations/script.py.mako"
    mako.write_text(
        '"""${message}"""\nfrom alembic import op\nrevision = ${repr(up_revision)}\n'
        "down_revision = ${repr(down_revision)}\n\n\n"
        'def upgrade():\n    ${upgrades if upgrades else "pass"}\n'
    )

    result = run("new", "m", "--sql", "ALTER TABLE users DROP COLUMN email")

    assert result.exit_code == 2
    assert "script.py.mako does not show the code" in result.stderr


def test_a_reason_of_several_lines_becomes_one(project: ProjectFolder, run: Run) -> None:
    sql = "ALTER TABLE users DROP COLUMN email"

    text, _ = write(project, run, "--sql", sql, "--reason", "unused\nsince release 41")

    assert "# safemigrate: ignore[dropped-column] unused since release 41\n" in text


@pytest.mark.parametrize(
    ("sql", "note"),
    [
        ("ALTER TABLE usres ADD note text", "note: the history makes no table usres\n"),
        (
            "ALTER TABLE users ALTER emial SET NOT NULL",
            "note: the history gives users no column emial\n",
        ),
        ("CREATE INDEX ON users (emial)", "note: the history gives users no column emial\n"),
        (
            "CREATE INDEX ON users (id) INCLUDE (emial)",
            "note: the history gives users no column emial\n",
        ),
        (
            "ALTER TABLE users ADD CONSTRAINT u UNIQUE (emial)",
            "note: the history gives users no column emial\n",
        ),
        (
            "ALTER TABLE users ADD CONSTRAINT u UNIQUE (id) INCLUDE (emial)",
            "note: the history gives users no column emial\n",
        ),
        (
            "ALTER TABLE users ADD CONSTRAINT f FOREIGN KEY (emial) REFERENCES users (id)",
            "note: the history gives users no column emial\n",
        ),
        (
            "ALTER TABLE users ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES users (di)",
            "note: the history gives users no column di\n",
        ),
        (
            "ALTER TABLE users ADD boss bigint REFERENCES users (di)",
            "note: the history gives users no column di\n",
        ),
        (
            "ALTER TABLE users ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES usres",
            "note: the history makes no table usres\n",
        ),
        ("ALTER TABLE users ADD note text", ""),
        ("CREATE INDEX ON users (lower(email), id) INCLUDE (id)", ""),
        ("ALTER TABLE users ADD note text, ADD CONSTRAINT u UNIQUE (note)", ""),
        ("ALTER TABLE users ADD CONSTRAINT u UNIQUE (note), ADD note text", ""),
        ("ALTER TABLE users ADD boss bigint REFERENCES users (id)", ""),
        ("ALTER TABLE users ADD boss bigint REFERENCES users", ""),
        ("CREATE TABLE t (id bigint); CREATE INDEX ON t (id)", ""),
    ],
)
def test_what_the_history_does_not_have_is_noted(
    project: ProjectFolder, run: Run, sql: str, note: str
) -> None:
    result = run("new", "m", "--sql", sql)

    assert project.path.is_dir()
    assert result.exit_code == 0, result.output
    assert [line for line in result.stderr.splitlines(keepends=True) if "note:" in line] == (
        [note] if note else []
    )


def test_what_is_mended_or_looks_like_a_mistake_is_told_where_progress_is_not(
    project: ProjectFolder, run: Run
) -> None:
    result = run("new", "m", "--quiet", "--sql", "CREATE INDEX ON users (emial)")

    assert project.path.is_dir()
    assert "note: the history gives users no column emial\n" in result.stderr
    assert "mended: " in result.stderr


def test_a_history_that_begins_in_the_middle_notes_nothing(folder: ProjectFolder, run: Run) -> None:
    folder.revise("0001", UNREAD)

    _, stderr = write(folder, run, "--sql", "ALTER TABLE old ADD note text")

    assert "note:" not in stderr
