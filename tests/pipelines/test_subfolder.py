"""What init writes for a project below the top of its repository, run as it is written.

It is as `alembic init` makes it: `prepend_sys_path = .` counts from where the command runs.
"""

import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from alembic import command
from alembic.config import Config

from tests.hook.conftest import REVISION
from tests.pipelines.conftest import BAD, BAD_PLACE, CREATE, GOOD, Change
from tests.pipelines.forges import TOKEN
from tests.pipelines.jobs import Ran, run_script, run_steps

WORKFLOW = ".github/workflows/safemigrate.yml"
INSTALLS = "python -m pip install"
MODELS = """\
from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Recipe(Base):
    __tablename__ = "recipe"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
"""
SETTINGS = """\
import os

from models import Base

config.set_main_option("sqlalchemy.url", os.environ["DATABASE_URL"])
target_metadata = Base.metadata
"""


@pytest.fixture
def below(change: Change) -> Change:
    """The repository with its project in the folder `backend`, and nothing of safemigrate's yet."""
    backend = change.path / "backend"
    (change.path / "alembic.ini").unlink()
    shutil.rmtree(change.path / "db")
    backend.mkdir()
    command.init(Config(backend / "alembic.ini"), str(backend / "migrations"))
    (backend / "models.py").write_text(MODELS, encoding="utf-8")
    env_py = backend / "migrations" / "env.py"
    text = env_py.read_text(encoding="utf-8")
    assert "\ntarget_metadata = None\n" in text
    env_py.write_text(text.replace("target_metadata = None\n", SETTINGS), encoding="utf-8")
    first = REVISION.format(
        revision="0001", after=None, upgrade=CREATE, downgrade='    op.drop_table("recipe")'
    )
    (backend / "migrations" / "versions" / "0001.py").write_text(first, encoding="utf-8")
    assert "prepend_sys_path = ." in (backend / "alembic.ini").read_text(encoding="utf-8")
    (change.path / ".github").mkdir()
    (change.path / ".gitlab-ci.yml").write_text("stages: [test]\n", encoding="utf-8")
    commit(change)
    return replace(change, location="backend/migrations")


def commit(change: Change) -> None:
    change.git("add", "--all")
    change.git("commit", "--quiet", "--allow-empty", "-m", "more")


def adopt(change: Change, *options: str) -> str:
    """Run init as the README says, at the top, and return what it said."""
    line = shlex.join(("safemigrate", "init", "-c", "backend/alembic.ini", *options))
    done = run_script(line, change.path, change.env)
    assert done.returncode == 0, done.stdout + done.stderr
    commit(change)
    return done.stdout


def run_workflow(change: Change) -> Ran:
    """Run the steps of the workflow, but for those that install."""
    (job,) = yaml.safe_load((change.path / WORKFLOW).read_text(encoding="utf-8"))["jobs"].values()
    steps = [one for one in job["steps"] if not one.get("run", "").startswith(INSTALLS)]
    return run_steps(steps, {"github.token": TOKEN}, folder=change.path, env=change.env)


def read_shown_job(said: str) -> dict[str, Any]:
    """Return the job of GitLab that init shows."""
    _, _, rest = said.partition("By hand, in .gitlab-ci.yml: ")
    lines = [line[4:] for line in rest.splitlines()[1:] if line.startswith("    ") or not line]
    job: dict[str, Any] = yaml.safe_load("\n".join(lines))["safemigrate"]
    return job


def read_hook(change: Change) -> str:
    hooks = yaml.safe_load((change.path / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    ((hook,),) = [one["hooks"] for one in hooks["repos"]]
    return str(hook["entry"])


def test_the_workflow_proves_where_the_project_is_and_names_paths_from_the_top(
    below: Change,
) -> None:
    adopt(below)
    below.propose(GOOD)

    ran = run_workflow(below)

    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert "0002" in below.forge.comments[0]["body"]
    assert "[1/1] 0002" in ran.stderr

    below.propose(BAD)
    ran = run_workflow(below)
    assert ran.exit_code == 1, ran.stdout + ran.stderr
    annotation = f"::error file=backend/migrations/versions/0002.py,line={BAD_PLACE[0]},"
    assert any(one.startswith(annotation) for one in ran.stdout.splitlines())


def test_the_job_of_gitlab_proves_where_the_project_is(below: Change) -> None:
    job = read_shown_job(adopt(below))
    below.propose(GOOD)
    env = {name: value for name, value in below.env.items() if not name.startswith("GITHUB_")}
    env |= {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": below.git("rev-parse", "main"),
        "CI_MERGE_REQUEST_IID": "12",
        "CI_PROJECT_DIR": str(below.path),
        "CI_PROJECT_ID": "34",
        "GITLAB_CI": "true",
        **job["variables"],
    }
    script = [one for one in job["script"] if not one.startswith(INSTALLS)]

    done = run_script("\n".join(script), below.path, env, ("sh", "-e"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "[1/1] 0002" in done.stderr


def test_the_hook_judges_where_the_project_is(below: Change) -> None:
    adopt(below)
    below.propose(BAD)
    below.git("reset", "--quiet", "--soft", "main")

    done = run_script(read_hook(below), below.path, below.env)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "migrations/versions/0002.py" in done.stdout


def test_a_project_that_is_imported_from_the_top_is_run_there(below: Change) -> None:
    below.git("mv", "backend/models.py", "models.py")

    adopt(below)
    below.propose(GOOD)
    ran = run_workflow(below)

    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert "[1/1] 0002" in ran.stderr
    assert "cd " not in read_hook(below)


def test_where_our_configuration_is_found_from_the_top_only_it_is_told(below: Change) -> None:
    (below.path / "safemigrate.toml").write_text("pg-version = 16\n", encoding="utf-8")

    said = adopt(below)

    assert "By hand, in backend/alembic.ini: let its paths count from the file" in said
    assert "    prepend_sys_path = %(here)s\n" in said
    ini = below.path / "backend" / "alembic.ini"
    text = ini.read_text(encoding="utf-8")
    ini.write_text(text.replace("prepend_sys_path = .", "prepend_sys_path = %(here)s"), "utf-8")
    commit(below)
    below.propose(GOOD)
    ran = run_workflow(below)
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    assert "alembic.ini: let" not in adopt(below)


def test_folders_of_versions_are_told_beside_the_one_of_env_py(below: Change) -> None:
    (below.path / "safemigrate.toml").write_text("pg-version = 16\n", encoding="utf-8")
    ini = below.path / "backend" / "alembic.ini"
    text = ini.read_text(encoding="utf-8")
    assert "\nscript_location = " in text
    ini.write_text(
        text.replace("path_separator = os", "path_separator = space").replace(
            "\nprepend_sys_path = .",
            "\nversion_locations = migrations/versions %(here)s/more\nprepend_sys_path = . lib",
        ),
        encoding="utf-8",
    )
    (ini.parent / "more").mkdir()

    said = adopt(below)

    _, _, shown = said.partition("let its paths count from the file")
    lines = [line.strip() for line in shown.splitlines()[1:] if line.startswith("    ")]
    assert lines[:5] == [
        "path_separator = newline",
        "version_locations = %(here)s/migrations/versions",
        "%(here)s/more",
        "prepend_sys_path = %(here)s",
        "%(here)s/lib",
    ]


def test_what_is_told_of_a_pyproject_is_toml(below: Change) -> None:
    (below.path / "safemigrate.toml").write_text("pg-version = 16\n", encoding="utf-8")
    backend = below.path / "backend"
    (backend / "alembic.ini").unlink()
    table = '[tool.alembic]\nscript_location = "%(here)s/migrations"\nprepend_sys_path = ["."]\n'
    (backend / "pyproject.toml").write_text(table, encoding="utf-8")
    commit(below)

    done = run_script("safemigrate init -c backend/pyproject.toml", below.path, below.env)

    assert done.returncode == 0, done.stderr
    assert '    prepend_sys_path = ["%(here)s"]\n' in done.stdout


def test_the_error_of_a_run_at_the_top_names_the_cause(below: Change) -> None:
    env = {**below.env, "DATABASE_URL": "postgresql+psycopg://ci@nowhere/x"}

    done = run_script("safemigrate verify -c backend/alembic.ini", below.path, env)

    assert done.returncode == 2
    assert "No module named 'models'" in done.stderr
    assert "hint: prepend_sys_path counts from where the command runs" in done.stderr
    assert 'begin it with %(here)s in "backend/alembic.ini", or run in that folder' in done.stderr


def test_the_url_of_a_database_that_is_not_set_may_be_any_for_the_proofs(below: Change) -> None:
    folder = below.path / "backend"

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return run_script(line, folder, below.env)

    verify = run("safemigrate verify")
    status = run("safemigrate status")

    assert (verify.returncode, status.returncode) == (2, 2)
    assert "DATABASE_URL" in verify.stderr
    (hint,) = [line for line in verify.stderr.splitlines() if line.startswith("hint: ")]
    url = "postgresql+psycopg://ci@nowhere/x"
    assert f"any of PostgreSQL will do here, such as {url}," in hint
    # here it is the one that the database is reached by
    assert url not in status.stderr
    assert "set what it takes from its surroundings" in status.stderr
    proved = run(f"DATABASE_URL={url} safemigrate verify")
    assert proved.returncode == 0, proved.stdout + proved.stderr


def test_only_what_is_named_as_the_url_of_a_database_is_set(below: Change) -> None:
    env_py = Path(below.path, "backend", "migrations", "env.py")
    text = env_py.read_text(encoding="utf-8")
    names = ("APP_DSN", "APP_SECRET", "MONGODB_URL", "REDIS_URL", "REDIS_DB_URL", "SENTRY_DSN")
    reads = "".join(f'os.environ["{name}"]\n' for name in names)
    env_py.write_text(text.replace("import os\n", f"import os\n{reads}"), encoding="utf-8")

    job = read_shown_job(adopt(below))

    url = "postgresql+psycopg://ci@nowhere/x"
    written = (below.path / WORKFLOW).read_text(encoding="utf-8")
    (workflow,) = yaml.safe_load(written)["jobs"].values()
    wanted = {"APP_DSN": url, "DATABASE_URL": url}
    assert job["variables"] == {"GIT_DEPTH": "0", **wanted}
    assert workflow["steps"][-1]["env"] == {"GITHUB_TOKEN": "${{ github.token }}", **wanted}
    for name in ("APP_SECRET", "MONGODB_URL", "REDIS_URL", "REDIS_DB_URL", "SENTRY_DSN"):
        assert f"# env.py or a revision reads {name}: set it here" in written
