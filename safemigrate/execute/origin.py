"""Where the code that is run comes from: a commit, and the run of a pipeline."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Origin", "find_origin_of_run", "read_ci_environment"]

# What each names the commit and the run; the first that is there holds.
_COMMITS = (
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "BITBUCKET_COMMIT",
    "BUILD_SOURCEVERSION",
    "GIT_COMMIT",
)
_RUNS = (
    "GITHUB_RUN_ID",
    "CI_PIPELINE_ID",
    "BUILDKITE_BUILD_ID",
    "CIRCLE_WORKFLOW_ID",
    "BITBUCKET_PIPELINE_UUID",
    "BUILD_BUILDID",
    "BUILD_TAG",
)
_LONGEST = 200
_GIT_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Origin:
    """`git_commit`, `ci_run`: "" where it is not known."""

    git_commit: str = ""
    ci_run: str = ""


def read_ci_environment(environ: Mapping[str, str]) -> tuple[str, str]:
    """Return the commit and the run's id that the environment of a pipeline names, or "".

    GitHub, GitLab, Buildkite, CircleCI, Bitbucket, Azure and Jenkins are known.
    """
    return _first(environ, _COMMITS), _first(environ, _RUNS)


def find_origin_of_run(environ: Mapping[str, str], folder: Path) -> Origin:
    """Return what the environment says, else the commit that the folder is at."""
    git_commit, ci_run = read_ci_environment(environ)
    return Origin(git_commit or _ask_git(folder), ci_run)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name][:_LONGEST] for name in names if environ.get(name)), "")


def _ask_git(folder: Path) -> str:
    try:
        found = subprocess.run(  # noqa: S603 - no word of it comes from outside
            ("git", "-C", str(folder), "rev-parse", "HEAD"),  # noqa: S607 - the one on the PATH
            capture_output=True,
            text=True,
            check=True,
            timeout=_GIT_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError, UnicodeError):
        # no git, no repository, or no commit yet
        return ""
    return found.stdout.strip()[:_LONGEST]
