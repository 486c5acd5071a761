"""The jobs that judge what a branch adds: a workflow of GitHub, and a job of GitLab."""

from collections.abc import Iterable
from shlex import quote

from safemigrate.cli.hooks import quote_scalar

__all__ = ["GITLAB_FILE", "WORKFLOW_FILE", "make_gitlab_job", "make_workflow"]

WORKFLOW_FILE = ".github/workflows/safemigrate.yml"
GITLAB_FILE = ".gitlab-ci.yml"

_PYTHON = "3.13"


def make_workflow(folder: str, options: Iterable[str]) -> str:
    """Return a workflow that annotates a pull request with the findings of what it adds.

    `folder`: where the command runs, relative to the top of the repository, empty for the top.
    `options`: further ones of the command.
    """
    # https://docs.github.com/actions/reference/workflows-and-actions/variables
    lint = _join(
        'safemigrate lint --changed-since "origin/$GITHUB_BASE_REF" --format github', options
    )
    place = f"        working-directory: {quote_scalar(folder)}\n" if folder else ""
    return f"""\
name: safemigrate

on: pull_request

permissions:
  contents: read

jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          # the history, to know what the branch adds
          fetch-depth: 0
      - uses: actions/setup-python@v5
        with:
          python-version: "{_PYTHON}"
      - run: python -m pip install safemigrate
      - run: {quote_scalar(lint)}
{place}"""


def make_gitlab_job(folder: str, options: Iterable[str]) -> str:
    """Return a job that shows a merge request the findings of what it adds, as `make_workflow`."""
    # https://docs.gitlab.com/ci/variables/predefined_variables/
    lint = _join(
        'safemigrate lint --changed-since "$CI_MERGE_REQUEST_DIFF_BASE_SHA" --format gitlab',
        options,
    )
    report = "gl-code-quality-report.json"
    change = [f"cd {quote(folder)}"] if folder else []
    commands = ["pip install safemigrate", *change, f'{lint} > "$CI_PROJECT_DIR/{report}"']
    script = "".join(f"    - {quote_scalar(command)}\n" for command in commands)
    return f"""\
safemigrate:
  image: python:{_PYTHON}
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  variables:
    # the history, to know what the branch adds
    GIT_DEPTH: "0"
  script:
{script}\
  artifacts:
    when: always
    reports:
      codequality: {report}
"""


def _join(command: str, options: Iterable[str]) -> str:
    return " ".join((command, *(quote(option) for option in options)))
