"""What a git repository says: where it is, which files differ, and what they were."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from safemigrate.errors import SourceError, UsageError

__all__ = ["Difference", "Repository", "open_repository"]

_SUBMODULE = "160000"
_HINT = "run inside the repository, or name the files instead"
# git leads its hooks to the repository with these, and they are wrong in any other directory.
_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_PREFIX")


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that is not as it was; `old` is the id of its content then, None for a new one.

    `path` is absolute and not resolved. `is_there`: the file is still there.
    """

    path: Path
    old: str | None
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class Repository:
    """The working tree of a git repository; every git runs in `top`.

    The methods raise SourceError when git refuses. None of them writes.
    """

    top: Path
    _environment: tuple[tuple[str, str], ...]

    def list_differences(self, reference: str) -> tuple[Difference, ...]:
        """Return how the working tree differs from where the branch left `reference`.

        With what is not committed and what git does not track, without what it ignores. Where
        HEAD and `reference` have no common ancestor (a shallow clone may not show it), the
        comparison is with `reference` itself. Raises UsageError for an unknown one.
        """
        commit = self._commit(reference)
        base = self._ask("merge-base", commit, "HEAD", is_optional=True).strip() or commit
        untracked = self._ask("ls-files", "--others", "--exclude-standard", "-z")
        return (
            *self._list("diff", base),
            *(Difference(self.top / name, None) for name in untracked.split("\0") if name),
        )

    def list_staged(self) -> tuple[Difference, ...]:
        """Return how the index differs from HEAD; all is new where there is no commit yet."""
        return tuple(self._list("diff", "--cached"))

    def list_unstaged(self) -> frozenset[Path]:
        """Return the files that are not as the index has them."""
        return frozenset(one.path for one in self._list("diff"))

    def list_index(self) -> frozenset[str]:
        """Return what the next commit has, as names from the top; a submodule is one name.

        Without what git is only told to add later, of which the index has no content.
        """
        later = (one.path for one in self._list("diff") if one.old is None)
        names = self._ask("ls-files", "--cached", "-z").split("\0")
        return frozenset(names) - {one.relative_to(self.top).as_posix() for one in later} - {""}

    def list_ignored(self, files: Iterable[Path]) -> frozenset[Path]:
        """Return those of the files, which the index has not, that git is told to ignore."""
        asked = {str(one): one for one in files}
        if not asked:
            return frozenset()
        given = "".join(f"{name}\0" for name in asked)
        # it ends with an error when none is
        found = self._run("check-ignore", "--stdin", "-z", given=given, is_optional=True)
        return frozenset(asked[name] for name in os.fsdecode(found).split("\0") if name in asked)

    def read_contents(self, ids: Iterable[str]) -> Iterator[bytes]:
        """Yield the content of each file by its id, as the repository has it."""
        wanted = tuple(ids)
        if not wanted:
            return
        output = self._run("cat-file", "--batch", given="".join(f"{one}\n" for one in wanted))
        start = 0
        for _ in wanted:
            end = output.index(b"\n", start)
            head = output[start:end].split()
            start = end + 1
            if len(head) != 3:  # noqa: PLR2004 - id, type and size; else it is missing
                # a clone that leaves contents out, and cannot fetch them now
                yield b""
                continue
            size = int(head[2])
            yield output[start : start + size]
            start += size + 1

    def find_commit(self, reference: str) -> str | None:
        """Return the id of the commit that the reference names, None for an unknown one."""
        name = f"{reference}^{{commit}}"
        options = ("--verify", "--quiet", "--end-of-options")
        return self._ask("rev-parse", *options, name, is_optional=True).strip() or None

    def list_parents(self, commit: str) -> tuple[str, ...]:
        """Return the ids of the commits before one that is here; they need not be here."""
        head, _, _ = self._ask("cat-file", "commit", commit).partition("\n\n")
        lines = (line.partition(" ") for line in head.splitlines())
        return tuple(value for key, _, value in lines if key == "parent")

    def is_shallow(self) -> bool:
        """Return whether the clone leaves a part of the history out."""
        return self._ask("rev-parse", "--is-shallow-repository").strip() == "true"

    def has_ancestor(self, commit: str, ancestor: str) -> bool:
        """Return whether a commit is another one, or comes after it; both are here."""
        base = self._ask("merge-base", ancestor, commit, is_optional=True).strip()
        return base == ancestor

    def list_remotes(self) -> tuple[str, ...]:
        """Return the URLs of its remotes."""
        listed = self._ask("config", "--get-regexp", r"^remote\..*\.url$", is_optional=True)
        return tuple(line.partition(" ")[2] for line in listed.splitlines())

    def _list(self, *arguments: str) -> Iterator[Difference]:
        """Yield what a `git diff` finds; where it found a submodule there is no file."""
        raw = self._ask(*arguments, "--raw", "--no-renames", "--no-abbrev", "-z", "--")
        fields = iter(raw.split("\0"))
        # :old-mode new-mode old-id new-id status NUL path NUL
        for head, name in zip(fields, fields, strict=False):
            old_mode, new_mode, old, _, status = head.removeprefix(":").split()
            if _SUBMODULE in {old_mode, new_mode}:
                continue
            is_new = not old.strip("0")
            yield Difference(self.top / name, None if is_new else old, status != "D")

    def _commit(self, reference: str) -> str:
        """Return the id of the commit that the reference names."""
        found = self.find_commit(reference)
        if not found:
            raise UsageError(
                f'git knows no commit "{reference}"',
                "name a branch, tag or commit; in a shallow clone fetch it first",
            )
        return found

    def _ask(self, *arguments: str, is_optional: bool = False) -> str:
        return os.fsdecode(self._run(*arguments, is_optional=is_optional))

    def _run(self, *arguments: str, given: str = "", is_optional: bool = False) -> bytes:
        environment = dict(self._environment)
        return _run(self.top, arguments, environment, given=given, is_optional=is_optional)


def open_repository(directory: Path) -> Repository:
    """Return the repository that a directory of a working tree belongs to.

    Raises SourceError when there is no git or no repository.
    """
    # Reading must not take the index lock away from a git the user runs meanwhile.
    given = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    found = {name: value for name, value in given.items() if name not in _PLACES}
    question = ("rev-parse", "--show-toplevel")
    top = _run(directory, question, found, is_optional=True)
    if not top:
        # one that only the variables lead to
        found = given
        top = _run(directory, question, found)
    return Repository(Path(os.fsdecode(top).rstrip("\n")), tuple(found.items()))


def _run(
    directory: Path,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    *,
    given: str = "",
    is_optional: bool = False,
) -> bytes:
    """Return what git prints; nothing when it exits with an error and that `is_optional`."""
    try:
        done = subprocess.run(  # noqa: S603 - no shell; a reference is checked by rev-parse first
            ("git", *arguments),  # noqa: S607 - the user's git is the one on PATH
            cwd=directory,
            env=environment,
            input=os.fsencode(given),
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise SourceError(
            "git cannot be started", "install git, or name the files to judge"
        ) from error
    if done.returncode != 0:
        if is_optional:
            return b""
        said = os.fsdecode(done.stderr).split("\n")
        reason, *rest = [" ".join(line.split()) for line in said if line.strip()] or [""]
        raise SourceError(
            f"git says: {reason or f'exit code {done.returncode}'}",
            # where git says more it says what to do, such as for a folder that somebody else owns
            " ".join(rest) or _HINT,
        )
    return done.stdout
