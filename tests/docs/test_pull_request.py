"""docs/pull-request.md shows a comment as it is written, and commands that run.

`SAFEMIGRATE_WRITE_DOCS=1 pytest tests/docs/test_pull_request.py` writes the comment anew; read the
difference before committing it.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from safemigrate.server import Server
from tests.cli.conftest import ALEMBIC_INI, ENV_PY, ProjectFolder
from tests.forge.conftest import TOKEN, load_payload
from tests.forge.stand_in import StandIn, fake_github, serving

PAGE = Path(__file__).parents[2] / "docs" / "pull-request.md"
TEXT = PAGE.read_text(encoding="utf-8")
SHOWN = re.compile(r"(?<=<!-- shown: comment -->\n````markdown\n).*?(?=````\n)", re.DOTALL)
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]

TABLE = """\
op.create_table(
    "book", sa.Column("id", sa.BigInteger(), primary_key=True), sa.Column("title", sa.Text())
)
"""
INDEX = 'op.create_index("book_title_idx", "book", ["title"])'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """A branch that adds one revision."""
    monkeypatch.chdir(tmp_path)
    folder = ProjectFolder(tmp_path)
    folder.write("alembic.ini", ALEMBIC_INI)
    folder.write("migrations/env.py", ENV_PY)
    # what it says depends on how fast this machine is
    folder.write("safemigrate.toml", '[verify]\nignore = ["blocks-briefly"]\n')
    folder.revise("5f0c2d11", TABLE, 'op.drop_table("book")')
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "books")
    path = folder.revise("8a41c7e0", INDEX, after="5f0c2d11")
    folder.write(path, f'"""Find books by title."""\n{folder.read(path)}')
    return folder


def git(*arguments: str) -> str:
    settings = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    command = ("git", *settings, *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def drop_server(text: str) -> str:
    """Return the text without the version of the server and its kind."""
    return re.sub(r"on PostgreSQL \d+ \(\w+\)", "on PostgreSQL", text)


@contextmanager
def open_job(project: ProjectFolder) -> Iterator[tuple[StandIn, dict[str, str]]]:
    """Commit the revision, and open the forge and the environment of a job for it."""
    git("add", ".")
    git("commit", "-q", "-m", "titles")
    payload = load_payload("pull_request")
    payload["pull_request"]["base"]["sha"] = git("rev-parse", "main~1")
    event = project.write("../event.json", json.dumps(payload))
    with serving(partial(fake_github, token=TOKEN)) as forge:
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_API_URL": forge.url,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_STEP_SUMMARY": str(project.path / "summary.md"),
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        yield forge, {**os.environ, **variables}


def run(env: dict[str, str], server: Server, *arguments: str) -> str:
    """Run the command, which finds what is wrong, and return what it says of that."""
    command = (sys.executable, "-m", "safemigrate", *arguments)
    done = subprocess.run(
        (*command, "--server", server.url("postgres")),
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_is_shown_for(
    line: str, project: ProjectFolder, embedded_server: Server
) -> None:
    program, *arguments = shlex.split(line)
    assert (program, arguments[0]) == ("safemigrate", "pull-request")
    git("update-ref", "refs/remotes/origin/main", "main")
    project.write(
        "services/api/alembic.ini", ALEMBIC_INI.replace("/migrations", "/../../migrations")
    )
    with open_job(project) as (forge, job):
        # what names its base runs elsewhere
        names = [name for name in job if name.startswith("GITHUB_")] * ("--base" in arguments)
        env = {name: value for name, value in job.items() if name not in names}
        said = run(env, embedded_server, *arguments)

        assert "non-concurrent-index" in said
        assert ("breaks" in said or "has-downgrade" in said) is ("--no-verify" not in arguments)
        is_silent = bool(names) or "--no-comment" in arguments
        assert len(forge.bodies) == (0 if is_silent else 1)
    files = [
        value
        for option, value in pairwise(arguments)
        if option in {"--sarif", "--junit", "--code-quality", "--comment-file"}
    ]
    assert len(files) == len([one for one in arguments if "." in one and "ini" not in one])
    for name in files:
        assert "non-concurrent-index" in project.read(name)


def test_the_comment_is_the_one_that_is_shown(
    project: ProjectFolder, embedded_server: Server
) -> None:
    with open_job(project) as (forge, env):
        run(env, embedded_server, "pull-request")
        (body,) = forge.bodies

    made = f"{body.replace('(url)', '(embedded)').strip()}\n"
    if os.environ.get("SAFEMIGRATE_WRITE_DOCS") == "1":
        PAGE.write_text(SHOWN.sub(lambda _: made, TEXT), encoding="utf-8")
    shown = SHOWN.search(PAGE.read_text(encoding="utf-8"))
    assert shown is not None
    assert drop_server(shown[0]) == drop_server(made)
