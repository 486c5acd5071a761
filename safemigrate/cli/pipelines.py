"""The jobs that judge and prove what a branch adds: a workflow of GitHub, and a job of GitLab."""

import os
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote

from safemigrate.cli.hooks import quote_scalar
from safemigrate.source.url import DUMMY_URL

__all__ = [
    "GITLAB_FILE",
    "JOB_NAME",
    "WORKFLOW_FILE",
    "find_requirements",
    "make_gitlab_job",
    "make_workflow",
]

WORKFLOW_FILE = ".github/workflows/safemigrate.yml"
GITLAB_FILE = ".gitlab-ci.yml"
JOB_NAME = "safemigrate"

_PYTHON = "3.13"
_CHECKOUT = "actions/checkout@df4cb1c069e1874edd31b4311f1884172cec0e10 # v6.0.3"
_SETUP_PYTHON = "actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0"

_INSTALL = "python -m pip install"
_OTHER_PRODUCT = re.compile(
    "BIGQUERY|CASSANDRA|CLICKHOUSE|DYNAMO|ELASTIC|INFLUX|MARIA|MONGO|MSSQL|MYSQL|NEO4J|ORACLE"
    "|REDIS|SENTRY|SNOWFLAKE|SQLITE"
)
_DATABASE = re.compile(r"^(?:DB|PG|SQL)|DATABASE|POSTGRES|ALEMBIC|SQLALCHEMY|DB$")
_PACKAGE = '"safemigrate[embedded]"'

# What every shell and every job has by itself.
_EVERYWHERE = frozenset({"CI", "HOME", "LANG", "LOGNAME", "PATH", "PWD", "SHELL", "USER"})


def find_requirements(folders: Iterable[Path], run_folder: Path) -> tuple[str, ...]:
    """Return the words for pip that install what the project imports, empty where nothing says it.

    `folders`: where to look, the best first. `run_folder`: where pip runs.
    """
    for folder in folders:
        name = Path(os.path.relpath(folder, run_folder)).as_posix()
        file = folder / "requirements.txt"
        if file.is_file():
            return ("-r", (Path(name) / file.name).as_posix())
        if _is_package(folder / "pyproject.toml"):
            return (name if name == "." else f"./{name}",)
    return ()


def make_workflow(
    folder: str,
    options: Iterable[str],
    requirements: Sequence[str] = (),
    variables: Sequence[str] = (),
    *,
    name: str = JOB_NAME,
) -> str:
    """Return a workflow that shows a pull request what its migrations do.

    `folder`: where the commands run, relative to the top of the repository, empty for the top.
    `options`: further ones of the command. `requirements`: what else to install, as words for pip.
    `variables`: of the environment, that env.py and the revisions have to have. `name`: no other
    workflow's, for the runs of a name cancel each other; of letters, digits, `.`, `_` and `-`.
    """
    # https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax
    place = f"        working-directory: {quote_scalar(folder)}\n" if folder else ""
    installs = map(quote_scalar, _install(requirements))
    steps = "".join(f"      - run: {one}\n{place}" for one in installs)
    command = quote_scalar(_join("safemigrate pull-request", options))
    # a check that is required is known by the name of its job
    check = " ".join(("migrations", name.removeprefix(JOB_NAME).removeprefix("-"))).rstrip()
    return f"""\
name: {name}

on: pull_request

permissions: {{}}

concurrency:
  group: {name}-${{{{ github.ref }}}}
  cancel-in-progress: true

jobs:
  safemigrate:
    name: {check}
    runs-on: ubuntu-latest
    permissions:
      contents: read
      pull-requests: write # for the comment
    steps:
      - uses: {_CHECKOUT}
        with:
          # the history, to know what the branch adds
          fetch-depth: 0
          persist-credentials: false
      - uses: {_SETUP_PYTHON}
        with:
          python-version: "{_PYTHON}"
      # verify runs env.py and the revisions: install here what they import
{steps}\
      - run: {command}
{place}        env:
          GITHUB_TOKEN: ${{{{ github.token }}}}
{_set_variables(variables, " " * 10)}"""


def make_gitlab_job(
    folder: str,
    options: Iterable[str],
    requirements: Sequence[str] = (),
    variables: Sequence[str] = (),
    *,
    name: str = JOB_NAME,
) -> str:
    """Return a job that shows a merge request what its migrations do, as `make_workflow`."""
    # https://docs.gitlab.com/ci/yaml/artifacts_reports/
    reports = {"code-quality": "gl-code-quality-report.json", "junit": "safemigrate.xml"}
    written = (f'--{kind} "$CI_PROJECT_DIR/{name}"' for kind, name in reports.items())
    change = [f"cd {quote(folder)}"] if folder else []
    command = _join(f"safemigrate pull-request {' '.join(written)}", options)
    script = "".join(
        f"    - {quote_scalar(one)}\n" for one in (*change, *_install(requirements), command)
    )
    return f"""\
{name}:
  image: python:{_PYTHON}
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  # the next push ends this job, and two jobs of a merge request never run at once
  interruptible: true
  resource_group: {name}-$CI_MERGE_REQUEST_IID
  variables:
    # the history, to know what the branch adds
    GIT_DEPTH: "0"
{_set_variables(variables, " " * 4)}\
  # verify runs env.py and the revisions: install here what they import
  script:
{script}\
  artifacts:
    when: always
    reports:
      codequality: {reports["code-quality"]}
      junit: {reports["junit"]}
"""


def _set_variables(names: Sequence[str], margin: str) -> str:
    """Return the lines that set variables: the URL of a database may be any, others are the user's.

    A value of ours where it is not meant would be worse than the error that names the variable.
    """
    wanted = [name for name in names if name not in _EVERYWHERE]
    urls = [name for name in wanted if _is_database_url(name)]
    others = [name for name in wanted if name not in urls]
    lines = (
        ["# the proofs run on a server of their own: any URL of PostgreSQL will do"] if urls else []
    )
    lines += [f"{quote_scalar(name)}: {DUMMY_URL}" for name in urls]
    lines += [f"# env.py or a revision reads {name}: set it here" for name in others]
    return "".join(f"{margin}{line}\n" for line in lines)


def _is_database_url(name: str) -> bool:
    """Return whether the name of a variable says that it has the URL of a database."""
    *before, last = name.upper().split("_")
    if _OTHER_PRODUCT.search(name.upper()):
        return False
    if last == "DSN":
        return True
    return last in {"URL", "URI"} and any(_DATABASE.search(word) for word in before)


def _is_package(pyproject: Path) -> bool:
    """Return whether pip can install what the file describes."""
    try:
        return "build-system" in tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _install(requirements: Sequence[str]) -> list[str]:
    """Return the commands that install; two, for files with hashes allow nothing beside them."""
    first = [_join(_INSTALL, requirements)] if requirements else []
    return [*first, f"{_INSTALL} {_PACKAGE}"]


def _join(command: str, options: Iterable[str]) -> str:
    return " ".join((command, *(quote(option) for option in options)))
