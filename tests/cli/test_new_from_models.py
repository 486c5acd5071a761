"""`safemigrate new --autogenerate`: what Alembic would write, mended."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from safemigrate.errors import ServerError
from safemigrate.server import Server
from tests.cli.conftest import ProjectFolder, Run

ENV_PY = """\
from pathlib import Path

import sqlalchemy as sa
from alembic import context
from sqlalchemy import create_engine

metadata = sa.MetaData()
exec(Path("models.py").read_text())


def leave_out_empty(_context, _revision, directives):
    if context.config.cmd_opts.autogenerate and directives[0].upgrade_ops.is_empty():
        directives[:] = []


engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        process_revision_directives=leave_out_empty,
    )
    with context.begin_transaction():
        context.run_migrations()
"""
FIRST = """\
sa.Table("team", metadata, sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text))
"""
THEN = """\
sa.Table("note", metadata, sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("text", sa.Text, index=True))
sa.Table("team", metadata, sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text, unique=True, nullable=False),
    sa.Column("note_id", sa.ForeignKey("note.id"), index=True))
"""


@pytest.fixture
def server(embedded_server: Server) -> str:
    """What `--server` takes."""
    return embedded_server.url("postgres")


@pytest.fixture
def project(folder: ProjectFolder) -> ProjectFolder:
    """A project with models of which the history has the first."""
    folder.write("migrations/env.py", ENV_PY)
    folder.write("models.py", FIRST)
    folder.revise(
        "a1",
        "op.create_table('team', sa.Column('id', sa.BigInteger, primary_key=True),"
        " sa.Column('name', sa.Text))",
        "op.drop_table('team')",
    )
    return folder


def test_it_is_mended_and_ends_where_the_models_are(
    project: ProjectFolder, run: Run, server: str
) -> None:
    project.write("models.py", THEN)

    result = run("new", "notes", "--autogenerate", "--server", server, "--rev-id", "0002")

    assert result.exit_code == 0, result.output
    assert "No findings" in result.stdout
    texts = {
        path.name: path.read_text() for path in (project.path / "migrations/versions").glob("0*")
    }
    assert len(texts) == 7
    assert "op.create_index(op.f('ix_note_text'), 'note', ['text'], unique=False)" in "".join(
        texts.values()
    )
    proved = run("verify", "--select", "schema", "--server", server)
    assert proved.exit_code == 0, proved.output
    again = run("new", "more", "--autogenerate", "--server", server)
    assert again.stdout == "nothing to write: the database has all that the models say\n"


@pytest.mark.usefixtures("project")
def test_nothing_is_written_where_nothing_changed_unless_asked(run: Run, server: str) -> None:
    nothing = run("new", "nothing", "--autogenerate", "--server", server)
    asked = run("new", "a pause", "--autogenerate", "--allow-empty", "--server", server)

    assert nothing.exit_code == 0
    assert nothing.stdout == "nothing to write: the database has all that the models say\n"
    assert asked.exit_code == 0, asked.output
    assert "a_pause.py" in asked.stdout


def test_a_database_of_ones_own_has_to_be_at_the_head(
    project: ProjectFolder, run: Run, database: str
) -> None:
    project.write("models.py", THEN)

    behind = run("new", "notes", "--autogenerate", "--url", database)
    upgraded = run("upgrade", "--url", database)
    result = run("new", "notes", "--autogenerate", "--url", database, "--rev-id", "0002")

    assert behind.exit_code == 2
    assert "the database is not at the head of the history" in behind.stderr
    assert upgraded.exit_code == 0, upgraded.output
    assert result.exit_code == 0, result.output
    assert "No findings" in result.stdout


@pytest.mark.usefixtures("folder")
def test_env_py_without_metadata_is_told(run: Run, server: str) -> None:
    result = run("new", "notes", "--autogenerate", "--server", server)

    assert result.exit_code == 2
    assert "env.py gives no target_metadata" in result.stderr
    assert "target_metadata = Base.metadata" in result.stderr


def test_a_history_that_fails_is_told(project: ProjectFolder, run: Run, server: str) -> None:
    project.revise("a2", "op.execute('SELECT 1 / 0')", after="a1")

    result = run("new", "notes", "--autogenerate", "--server", server)

    assert result.exit_code == 2
    assert "division by zero" in result.stderr
    assert 'revision "a2" fails' in result.stderr


def test_an_asynchronous_environment_as_alembic_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run, server: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAFEMIGRATE_URL", raising=False)
    command.init(Config("alembic.ini"), "migrations", template="async")
    env_py = tmp_path / "migrations" / "env.py"
    models = f"import sqlalchemy as sa\nmetadata = sa.MetaData()\n{FIRST}target_metadata = metadata"
    env_py.write_text(env_py.read_text().replace("target_metadata = None", models))
    ini = tmp_path / "alembic.ini"
    url = "driver://user:pass@localhost/dbname"
    ini.write_text(ini.read_text().replace(url, "postgresql+psycopg://nobody@localhost:1/nothing"))

    result = run("new", "first", "--autogenerate", "--server", server, "--rev-id", "a1")

    assert result.exit_code == 0, result.output
    assert "op.create_table('team'" in (tmp_path / "migrations/versions/a1_first.py").read_text()


def test_hooks_of_the_project_are_asked_for_every_revision(
    project: ProjectFolder, run: Run, database: str
) -> None:
    project.write("alembic.ini", f"{project.read('alembic.ini')}revision_environment = true\n")
    hook = "        directives[:] = []\n"
    named = f"{hook}    elif not context.config.cmd_opts.autogenerate:\n"
    project.write(
        "migrations/env.py", ENV_PY.replace(hook, f"{named}        directives[0].rev_id = 'b7'\n")
    )

    result = run("new", "by hand", "--url", database)

    assert result.exit_code == 0, result.output
    assert "migrations/versions/b7_by_hand.py" in result.stdout


@pytest.mark.parametrize("arguments", [("--autogenerate",), ()])
def test_without_a_server_no_other_database_is_taken(
    project: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    def refuse(_kind: str) -> None:
        raise ServerError("there are no binaries", "install them")

    project.write("alembic.ini", f"{project.read('alembic.ini')}revision_environment = true\n")
    monkeypatch.setattr("safemigrate.cli.drafts.making.open_server", refuse)

    result = run("new", "notes", *arguments)

    more = ", --url, or --live" if arguments else " or --url"
    assert result.exit_code == 2, result.output
    assert "there are no binaries" in result.stderr
    assert f"install them; or give --server container{more}" in result.stderr
