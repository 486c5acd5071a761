"""This repository as pre-commit takes it, and a repository that uses it."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.hook.snapshot import commit_working_tree, settle_git

ROOT = Path(__file__).parents[2]
CONFIG = ".pre-commit-config.yaml"

ALEMBIC_INI = """\
[alembic]
script_location = %(here)s/migrations
prepend_sys_path = .
"""

# The application is not installed where the hook runs.
ENV_PY = """\
from alembic import context
from sqlalchemy import create_engine

from shop.models import Base
from shop.settings import settings

engine = create_engine(context.get_x_argument(as_dictionary=True).get("url") or settings.url)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

REVISION = '''\
"""{revision}."""

import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {after!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''


@dataclass(frozen=True, slots=True)
class Published:
    """A commit of this repository, as if it were published; `home` is pre-commit's own folder."""

    repository: Path
    commit: str
    home: Path

    def entry(self, *hooks: Mapping[str, object]) -> dict[str, object]:
        """Return the entry of pre-commit's configuration that has these hooks of it."""
        return {"repo": str(self.repository), "rev": self.commit, "hooks": list(hooks)}


@dataclass(frozen=True, slots=True)
class Shop:
    """The repository of an application."""

    path: Path
    env: Mapping[str, str] = field(repr=False)

    def write(self, name: str, text: str) -> str:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return name

    def revise(self, revision: str, upgrade: str, downgrade: str, after: str | None) -> str:
        """Write a revision, and return its path."""
        text = REVISION.format(
            revision=revision,
            after=after,
            upgrade=textwrap.indent(textwrap.dedent(upgrade).strip(), "    "),
            downgrade=textwrap.indent(textwrap.dedent(downgrade).strip(), "    "),
        )
        return self.write(f"migrations/versions/{revision}.py", text)

    def use(self, *entries: Mapping[str, object]) -> None:
        """Write the configuration of pre-commit, and have git run it before a commit."""
        self.write(CONFIG, yaml.safe_dump({"repos": list(entries)}))
        self.git("add", CONFIG)
        self.check("pre-commit", "install")

    def git(self, *arguments: str) -> str:
        return self.check("git", *arguments).stdout.strip()

    def commit(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("git", "commit", "-m", "a change", *arguments)

    def check(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = self.run(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return run(_name_program(command), self.path, self.env)


def run(
    command: Sequence[str], folder: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300
    )


def _name_program(command: Sequence[str]) -> list[str]:
    """Return the command; pre-commit is the one of this Python."""
    if command[0] == "pre-commit":
        return [sys.executable, "-m", "pre_commit", *command[1:]]
    return list(command)


@pytest.fixture(scope="session")
def plain_env() -> Mapping[str, str]:
    """The environment of somebody who has git, and no safemigrate on PATH."""
    here = Path(sys.executable).parent
    folders = os.environ["PATH"].split(os.pathsep)
    return settle_git(
        {
            **os.environ,
            "NO_COLOR": "1",
            "PATH": os.pathsep.join(one for one in folders if Path(one) != here),
        }
    )


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory, plain_env: Mapping[str, str]) -> Published:
    """This repository with all that is in its working tree, committed somewhere else."""
    folder = tmp_path_factory.mktemp("published")
    commit = commit_working_tree(ROOT, folder / "safemigrate", plain_env)
    return Published(folder / "safemigrate", commit, folder / "home")


@pytest.fixture
def shop(tmp_path: Path, published: Published, plain_env: Mapping[str, str]) -> Shop:
    """A repository with an Alembic project of one revision, which is committed."""
    env = {**plain_env, "PRE_COMMIT_HOME": str(published.home)}
    shop = Shop(tmp_path / "shop", env)
    shop.path.mkdir()
    shop.write("alembic.ini", ALEMBIC_INI)
    shop.write("migrations/env.py", ENV_PY)
    shop.write(".gitignore", "__pycache__/\n")
    shop.revise(
        "0001",
        'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True),\n'
        '    sa.Column("name", sa.Text()))',
        'op.drop_table("recipe")',
        after=None,
    )
    shop.git("init", "--quiet", "--initial-branch=main")
    shop.git("add", ".")
    shop.git("commit", "--quiet", "-m", "first")
    return shop
