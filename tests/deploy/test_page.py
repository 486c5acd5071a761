"""docs/deploy.md: its commands run, and what it says of files is so."""

import re
import shlex
from pathlib import Path

import pytest

from safemigrate import __version__
from tests.cli.streams import connect
from tests.deploy.conftest import Launch
from tests.deploy.manifests import DEPLOY, PAGE, list_blocks
from tests.deploy.project import BUSY

LINES = [line for block in list_blocks("sh") for line in block.splitlines()]
# The image's tests run the first two, test_waiting.py the third; the last needs a cluster.
ELSEWHERE = ("docker build ", "docker run ", "./run-job.sh ", "helm ")
COMMANDS = [line for line in LINES if not line.startswith(ELSEWHERE)]


def test_the_page_shows_commands_to_run() -> None:
    assert len(COMMANDS) == 5
    assert {line.split()[0] for line in LINES} >= {"docker", "helm", "safemigrate"}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_is_shown_for(line: str, launch: Launch, database: str) -> None:
    with connect(database) as session:
        session.execute(f"CREATE TABLE {BUSY} (id int)".encode())
    words = shlex.split(line)
    variables = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        variables[name] = value
    if words[0] == "./deploy.sh":
        words[0] = str(DEPLOY / "deploy.sh")

    process = launch(*words, **variables)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert out


def test_every_recipe_is_on_the_page() -> None:
    linked = set(re.findall(r"\]\(deploy/([^)]+)\)", PAGE))
    there = {str(path.relative_to(DEPLOY)) for path in DEPLOY.rglob("*") if path.is_file()}

    assert linked == there


def test_what_goes_into_the_image_is_a_page_of_its_own() -> None:
    ignored = (DEPLOY / ".dockerignore").read_text(encoding="utf-8").split()

    assert "*" in ignored
    packages = (DEPLOY / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert f"safemigrate=={__version__}" in packages
    assert Path(DEPLOY / "deploy.sh").stat().st_mode & 0o111
