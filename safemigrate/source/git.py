"""What changed since a commit, by git."""

import os
import subprocess
from pathlib import Path

from safemigrate.errors import SourceError, UsageError

__all__ = ["changed_files"]


def changed_files(reference: str, directory: Path) -> frozenset[Path]:
    """Return the files that were added or changed since the branch left `reference`.

    Absolute, resolved paths; with uncommitted and untracked files, without deleted and ignored
    ones. `directory` is any directory of the working tree. Where HEAD and `reference` have no
    common ancestor (a shallow clone may not show it), the comparison is with `reference` itself.

    Raises UsageError for an unknown reference, SourceError when there is no git or no repository.
    """
    top = Path(_git(directory, "rev-parse", "--show-toplevel").rstrip("\n"))
    commit = _commit(reference, directory)
    base = _git(top, "merge-base", commit, "HEAD", is_optional=True).strip() or commit
    changed = _git(top, "diff", "--name-only", "--no-renames", "--diff-filter=d", "-z", base, "--")
    untracked = _git(top, "ls-files", "--others", "--exclude-standard", "-z")
    names = (changed + untracked).split("\0")
    return frozenset((top / name).resolve() for name in names if name)


def _commit(reference: str, directory: Path) -> str:
    """Return the id of the commit that the reference names."""
    found = _git(
        directory,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{reference}^{{commit}}",
        is_optional=True,
    ).strip()
    if not found:
        raise UsageError(
            f'git knows no commit "{reference}"',
            "name a branch, tag or commit; in a shallow clone fetch it first",
        )
    return found


def _git(directory: Path, *arguments: str, is_optional: bool = False) -> str:
    """Return what git prints; empty when it exits with an error and that `is_optional`."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; a reference is checked by rev-parse first
            ("git", *arguments),  # noqa: S607 - the user's git is the one on PATH
            cwd=directory,
            # Reading must not take the index lock away from a git the user runs meanwhile.
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise SourceError(
            "git cannot be started", "install git, or name the files instead of --changed-since"
        ) from error
    if done.returncode != 0:
        if is_optional:
            return ""
        reason = os.fsdecode(done.stderr).strip().splitlines()
        raise SourceError(
            f"git says: {reason[0] if reason else f'exit code {done.returncode}'}",
            "run inside the repository, or name the files instead of --changed-since",
        )
    return os.fsdecode(done.stdout)
