"""docs/ci.md names what there is, and its commands run."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from safemigrate.forge import TOKEN_VARIABLES
from tests.pipelines.conftest import ACTION, GOOD, ROOT, Change
from tests.pipelines.jobs import run_script

TEXT = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
TEMPLATE = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def list_rows(head: str) -> dict[str, str]:
    """Return the first two cells of each row of the table with this head."""
    _, _, table = TEXT.partition(f"| {head} | default | what it is |\n")
    rows = re.findall(r"^\| `(.+?)` \| (.*?) ?\|", table.partition("\n\n")[0], re.MULTILINE)
    return {name: default.strip("`") for name, default in rows}


def test_every_input_is_told_of() -> None:
    shown = {**list_rows("input"), "token": "${{ github.token }}"}

    assert shown == {name: str(one["default"]) for name, one in ACTION["inputs"].items()}
    (outputs,) = re.findall(r"^Its outputs are (.*)$", TEXT, re.MULTILINE)
    assert set(re.findall(r"`(.+?)`", outputs)) == {*ACTION["outputs"]}


def test_every_variable_is_told_of() -> None:
    variables = TEMPLATE["safemigrate"]["variables"]

    shown = list_rows("variable")

    assert shown == {name: value for name, value in variables.items() if name != "GIT_DEPTH"}
    assert set(re.findall(r"\w+_TOKEN\b", TEXT)) <= {*TOKEN_VARIABLES}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_is_shown_for(line: str, change: Change) -> None:
    change.propose(GOOD)
    change.git("update-ref", "refs/remotes/origin/main", "main")
    (change.path / ".gitlab-ci.yml").write_text("stages: [test]\n", encoding="utf-8")
    (change.path / ".github").mkdir()
    env = {name: value for name, value in change.env.items() if not name.startswith("GITHUB_")}

    done = run_script(line, change.path, env)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
    words = shlex.split(line)
    files = [words[at + 1] for at, word in enumerate(words) if word in {"--sarif", "--junit"}]
    assert all(Path(change.path, name).stat().st_size > 0 for name in files)
    if "init" in words:
        # both are shown, as the page says
        assert "run: safemigrate pull-request" in done.stdout
        assert "By hand, in .gitlab-ci.yml: " in done.stdout
