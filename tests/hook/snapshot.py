"""A commit of what is in a working tree, made in another folder."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["commit_working_tree", "settle_git"]

_NAMES = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.org"))
}


def settle_git(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what was set up for another repository, or by its user."""
    rest = {name: value for name, value in env.items() if not name.startswith("GIT_")}
    return {**rest, **_NAMES, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}


def commit_working_tree(source: Path, target: Path, env: Mapping[str, str]) -> str:
    """Copy what git knows or does not ignore into a new repository, and return its commit."""

    def git(folder: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout

    listed = git(source, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        # what is deleted and not staged is listed too
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / name, target / name)
    git(target, "init", "--quiet")
    git(target, "add", "--all", "--force")
    git(target, "commit", "--quiet", "-m", "what there is")
    return git(target, "rev-parse", "HEAD").strip()
