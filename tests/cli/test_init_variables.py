"""The variables in the jobs that init writes are the project's, whoever runs it and wherever."""

from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import ENV_PY, Git, ProjectFolder, Run

WORKFLOW = Path(".github", "workflows", "safemigrate.yml")
VALUE = "postgresql+psycopg://somebody:password@production/shop"
READS = """\
import os
URL = os.environ["SHOP_DATABASE_URL"]
API = os.environ["SHOP_SECRET"]
"""
SPARED = {
    "get": 'os.environ.get("SHOP_DATABASE_URL", "postgresql://")',
    "getenv": 'os.getenv("SHOP_DATABASE_URL")',
    "in": 'if "SHOP_DATABASE_URL" in os.environ:\n    os.environ["SHOP_DATABASE_URL"]',
    "get before": 'if os.environ.get("SHOP_DATABASE_URL"):\n    os.environ["SHOP_DATABASE_URL"]',
    "try": 'try:\n    os.environ["SHOP_DATABASE_URL"]\nexcept KeyError:\n    pass',
    "setdefault": (
        'os.environ.setdefault("SHOP_DATABASE_URL", "postgresql://")\n'
        'os.environ["SHOP_DATABASE_URL"]'
    ),
    "its own": (
        'os.environ["SHOP_DATABASE_URL"] = "postgresql://"\nos.environ["SHOP_DATABASE_URL"]'
    ),
    "everybody's": "\n".join(f'os.environ["{name}"]' for name in ("HOME", "PATH", "USER", "CI")),
    "a library's": "import getpass\ngetpass.getuser()",
}


@pytest.fixture
def tracked(folder: ProjectFolder, git: Git) -> ProjectFolder:
    git("init", "-b", "main")
    (folder.path / ".github").mkdir()
    return folder


def set_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHOP_DATABASE_URL", "SHOP_SECRET", "HOME", "USER"):
        monkeypatch.setenv(name, VALUE)


def adopt(folder: ProjectFolder, run: Run, env_py: str) -> str:
    """Run init and return the workflow that it wrote, taken away again."""
    folder.write("migrations/env.py", env_py + ENV_PY)
    result = run("init")
    assert result.exit_code == 0, result.output
    text = (folder.path / WORKFLOW).read_text("utf-8")
    (folder.path / WORKFLOW).unlink()
    return text


def test_variables_that_are_set_are_written_as_those_that_are_not(
    tracked: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_DATABASE_URL", raising=False)
    monkeypatch.delenv("SHOP_SECRET", raising=False)
    unset = adopt(tracked, run, READS)
    set_all(monkeypatch)
    text = adopt(tracked, run, READS)

    assert text == unset
    assert "password" not in text
    (job,) = yaml.safe_load(text)["jobs"].values()
    wanted = {"SHOP_DATABASE_URL": "postgresql+psycopg://ci@nowhere/x"}
    assert job["steps"][-1]["env"] == {"GITHUB_TOKEN": "${{ github.token }}", **wanted}
    assert "# env.py or a revision reads SHOP_SECRET: set it here" in text


@pytest.mark.parametrize("here", ["set", "not set"])
@pytest.mark.parametrize("read", SPARED.values(), ids=SPARED)
def test_what_the_project_can_do_without_is_not_written(
    tracked: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch, read: str, here: str
) -> None:
    monkeypatch.delenv("SHOP_DATABASE_URL", raising=False)
    if here == "set":
        set_all(monkeypatch)

    text = adopt(tracked, run, f"import os\n{read}\n")

    (job,) = yaml.safe_load(text)["jobs"].values()
    assert job["steps"][-1]["env"] == {"GITHUB_TOKEN": "${{ github.token }}"}
    assert "set it here" not in text


def test_what_is_read_before_it_is_set_is_required(
    tracked: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch)

    text = adopt(
        tracked,
        run,
        'import os\nos.environ["SHOP_DATABASE_URL"] = os.environ["SHOP_DATABASE_URL"].strip()\n',
    )

    assert "SHOP_DATABASE_URL: postgresql+psycopg://ci@nowhere/x" in text


def test_a_revision_that_is_not_run_again_keeps_its_variables(
    tracked: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_all(monkeypatch)
    tracked.revise("aaaa", 'import os\nop.execute("SELECT 1 -- " + os.environ["SHOP_SECRET"])')
    first = adopt(tracked, run, "")
    tracked.revise("bbbb", 'op.execute("SELECT 1")', after="aaaa")

    assert "reads SHOP_SECRET: set it here" in first
    assert adopt(tracked, run, "") == first
