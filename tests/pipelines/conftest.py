"""A pull request of a repository, a forge that it is on, and safemigrate as its jobs install it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.hook.conftest import ALEMBIC_INI, REVISION
from tests.hook.snapshot import commit_working_tree, settle_git
from tests.pipelines.forges import TOKEN, Forge, open_forge
from tests.pipelines.jobs import Ran, run_steps

ROOT = Path(__file__).parents[2]
ACTION: Mapping[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
INSTALL, JUDGE = "Install safemigrate", "Judge and prove what the pull request adds"

ENV_PY = """\
from alembic import context
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://nobody@localhost:1/nothing")
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

CREATE = """\
    op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.Text()))"""
BAD = '    op.create_index("by_name", "recipe", ["name"])'
BAD_PLACE = (11, 5)
GOOD = """\
    with op.get_context().autocommit_block():
        op.create_index("by_name", "recipe", ["name"], postgresql_concurrently=True)"""
UNDO = """\
    with op.get_context().autocommit_block():
        op.drop_index("by_name", table_name="recipe", postgresql_concurrently=True)"""


@dataclass(frozen=True, slots=True)
class Change:
    """A repository with a branch that adds a revision, checked out as a job has it."""

    path: Path
    env: Mapping[str, str] = field(repr=False)
    forge: Forge
    location: str = "db"

    @property
    def revision(self) -> str:
        return f"{self.location}/versions/0002.py"

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=self.env,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def propose(self, upgrade: str) -> None:
        """Make the branch add a revision, whose pull request is the event of the job."""
        self.git("checkout", "--quiet", "-B", "change", "main")
        text = REVISION.format(revision="0002", after="0001", upgrade=upgrade, downgrade=UNDO)
        (self.path / self.revision).write_text(text, encoding="utf-8")
        self.git("add", ".")
        self.git("commit", "--quiet", "-m", "second")
        repository = {"full_name": "somebody/shop", "default_branch": "main"}
        head = {"sha": self.git("rev-parse", "HEAD"), "ref": "change", "repo": repository}
        base = {"sha": self.git("rev-parse", "main"), "ref": "main", "repo": repository}
        event = {
            "action": "opened",
            "number": 12,
            "pull_request": {"number": 12, "base": base, "head": head},
            "repository": repository,
        }
        Path(self.env["GITHUB_EVENT_PATH"]).write_text(json.dumps(event), encoding="utf-8")

    def run(self, *names: str, **inputs: str) -> Ran:
        """Run the action with these inputs, but for the steps that are left out by name."""
        values = {name: str(one["default"]) for name, one in ACTION["inputs"].items()}
        values |= {name.replace("_", "-"): value for name, value in inputs.items()}
        assert {*values} == {*ACTION["inputs"]}, "no such input"
        given = {
            f"inputs.{name}": TOKEN if value == "${{ github.token }}" else value
            for name, value in values.items()
        }
        steps = [one for one in ACTION["runs"]["steps"] if one["name"] not in names]
        return run_steps(steps, given, folder=self.path, env=self.env)


@pytest.fixture(scope="session")
def job_env(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The environment of a job, in which the action has installed safemigrate from its checkout."""
    folder = tmp_path_factory.mktemp("job")
    python = folder / "python"
    make = [sys.executable, "-m", "venv", "--without-pip", str(python)]
    subprocess.run(make, check=True, capture_output=True)
    # pip and what safemigrate needs are there already, so that it is installed alone
    major, minor = sys.version_info[:2]
    site_packages = python / "lib" / f"python{major}.{minor}" / "site-packages"
    known = "\n".join(one for one in sys.path if one.endswith("site-packages"))
    (site_packages / "known.pth").write_text(f"{known}\n", encoding="utf-8")
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("GITHUB_", "CI_", "GITLAB_", "SAFEMIGRATE_", "PYTHON"))
    }
    env = settle_git(kept)
    commit_working_tree(ROOT, folder / "action", env)
    (folder / "temp").mkdir()
    env |= {
        "CI": "true",
        "GITHUB_ACTION_PATH": str(folder / "action"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "PATH": os.pathsep.join((str(python / "bin"), os.environ["PATH"])),
        "RUNNER_TEMP": str(folder / "temp"),
        "SAFEMIGRATE_CACHE_DIR": os.environ["SAFEMIGRATE_CACHE_DIR"],
    }
    (install,) = [one for one in ACTION["runs"]["steps"] if one["name"] == INSTALL]
    given = {"inputs.working-directory": "."}
    done = run_steps([install], given, folder=folder, env=env)
    assert done.exit_code == 0, done.stdout + done.stderr
    assert (python / "bin" / "safemigrate").is_file()
    return env


@pytest.fixture
def forge() -> Iterator[Forge]:
    with open_forge() as forge:
        yield forge


@pytest.fixture
def change(tmp_path: Path, job_env: Mapping[str, str], forge: Forge) -> Change:
    """A repository whose first revision is on main, with the environment of a job of GitHub."""
    path = tmp_path / "shop"
    (path / "db" / "versions").mkdir(parents=True)
    (path / "alembic.ini").write_text(ALEMBIC_INI.replace("/migrations", "/db"), encoding="utf-8")
    (path / "db" / "env.py").write_text(ENV_PY, encoding="utf-8")
    first = REVISION.format(
        revision="0001", after=None, upgrade=CREATE, downgrade='    op.drop_table("recipe")'
    )
    (path / "db" / "versions" / "0001.py").write_text(first, encoding="utf-8")
    (path / ".gitignore").write_text("__pycache__/\n", encoding="utf-8")
    env = {
        **job_env,
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": forge.url,
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_REPOSITORY": "somebody/shop",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "RUNNER_TEMP": str(tmp_path),
    }
    change = Change(path, env, forge)
    change.git("init", "--quiet", "--initial-branch=main")
    change.git("add", ".")
    change.git("commit", "--quiet", "-m", "first")
    return change
