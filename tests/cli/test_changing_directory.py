"""An env.py, or a revision, that changes the current directory: ours stays where it was."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from safemigrate.server import Server
from tests.cli.conftest import ENV_PY, Git, ProjectFolder, Run

CHANGE = "import os\nos.chdir(os.path.dirname(os.path.abspath(__file__)))\n"
# A path of each kind that counts from where the command was started.
ALEMBIC_INI = """\
[alembic]
script_location = migrations
sqlalchemy.url = postgresql+psycopg://nobody@localhost:1/nothing
"""
TABLE = 'op.create_table("t", sa.Column("id", sa.BigInteger(), primary_key=True))'
BAD = 'op.create_index("t_idx", "t", ["id"])'
UNDO = 'op.drop_index("t_idx", "t")'
RULE = "non-concurrent-index"


@pytest.fixture
def project(folder: ProjectFolder, git: Git, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """A project whose env.py goes to its own folder, on a branch that has added an index."""
    for name in [one for one in os.environ if one.startswith(("GITHUB_", "CI_", "GITLAB_"))]:
        monkeypatch.delenv(name)
    folder.write("alembic.ini", ALEMBIC_INI)
    folder.write("migrations/env.py", CHANGE + ENV_PY)
    folder.revise("aaaa", TABLE, 'op.drop_table("t")')
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    git("switch", "-c", "branch")
    folder.revise("bbbb", BAD, UNDO, after="aaaa")
    git("add", ".")
    git("commit", "-m", "second")
    return folder


@pytest.fixture
def server(embedded_server: Server) -> str:
    """What `--server` takes."""
    return embedded_server.url("postgres")


def test_lint_finds_what_is_changed(project: ProjectFolder, run: Run) -> None:
    result = run("lint", "--changed-since", "main")

    assert result.exit_code == 1, result.output
    assert f"error[{RULE}]" in result.stdout
    assert "--> migrations/versions/bbbb.py:" in result.stdout
    assert Path.cwd() == project.path


def test_a_pull_request_is_judged(project: ProjectFolder, run: Run) -> None:
    options = ("--sarif", "out.sarif", "--comment-file", "comment.md")
    result = run("pull-request", "--no-verify", "--base", "main", *options)

    assert result.exit_code == 1, result.output
    assert f"error[{RULE}]" in result.stdout
    assert "migrations/versions/bbbb.py" in project.read("out.sarif")
    assert RULE in project.read("comment.md")


def test_the_files_of_a_pull_request_that_is_proved_are_where_they_are_named(
    project: ProjectFolder, run: Run, server: str
) -> None:
    options = ("--sarif", "out.sarif", "--comment-file", "comment.md")
    result = run("pull-request", "--base", "main", "--server", server, *options)

    assert result.exit_code == 1, result.output
    assert "migrations/versions/bbbb.py" in project.read("out.sarif")
    assert RULE in project.read("comment.md")


def test_verify_finds_the_migrations_at_each_run(
    project: ProjectFolder, run: Run, server: str
) -> None:
    result = run("verify", "--select", "schema", "--server", server)

    assert result.exit_code == 0, result.output
    assert "Proved 2 revisions" in result.stdout
    assert Path.cwd() == project.path


def test_an_upgrade_runs_its_hooks_where_it_was_started(
    project: ProjectFolder, run: Run, database: str
) -> None:
    hooks = "before = ['pwd > before']\nafter = ['pwd > after']\n"
    project.write("safemigrate.toml", f"[run]\n{hooks}")
    result = run("upgrade", "--override", "a test", "--url", database)

    assert result.exit_code == 0, result.output
    here = f"{project.path}\n"
    assert (project.read("before"), project.read("after")) == (here, here)


def test_a_snapshot_is_written_where_it_is_named(
    project: ProjectFolder, run: Run, database: str
) -> None:
    env_py, code = "migrations/env.py", f"engine = create_engine({database!r})"
    project.write(env_py, re.sub("engine = .*", code, project.read(env_py)))
    revision = "migrations/versions/bbbb.py"
    project.write(revision, CHANGE + project.read(revision))
    result = run("snapshot", "--output", "schema.json")

    assert result.exit_code == 0, result.output
    assert (project.path / "schema.json").is_file()


@pytest.mark.parametrize("command", ["verify", "upgrade", "lint"])
def test_every_revision_begins_where_env_py_has_gone(
    folder: ProjectFolder, run: Run, server: str, database: str, command: str
) -> None:
    folder.write("migrations/env.py", CHANGE + ENV_PY)
    folder.write("migrations/sql/sign.txt", "is read by each revision\n")
    read = 'import os\nos.chdir("sql")\nopen("sign.txt").close()\n'
    table = 'op.create_table("t{}", sa.Column("id", sa.BigInteger(), primary_key=True))'
    for number, after in ((1, None), (2, "r1")):
        folder.revise(
            f"r{number}",
            read + table.format(number),
            f'{read}op.drop_table("t{number}")',
            after=after,
        )
    options = {
        "verify": ("--select", "schema", "--server", server),
        "upgrade": ("--url", database),
        "lint": ("--strict",),
    }
    result = run(command, *options[command])

    assert "FileNotFoundError" not in result.output
    assert "sql/sign.txt" not in result.output
    said = {"verify": "Proved 2 revisions", "upgrade": "r2", "lint": "Judged 4 of 4 statements"}
    assert said[command] in result.output
    assert result.exit_code in ({0, 1} if command == "lint" else {0}), result.output


def test_a_current_directory_that_is_gone_shows_no_traceback(project: ProjectFolder) -> None:
    gone = project.path / "gone"
    gone.mkdir()
    command = (sys.executable, "-m", "safemigrate", "lint", "-c", str(project.path / "alembic.ini"))
    done = subprocess.run(
        ("/bin/sh", "-c", 'rmdir ../gone; exec "$@"', "sh", *command),
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
