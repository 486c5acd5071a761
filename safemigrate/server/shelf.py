"""Stopped clusters kept between runs, with databases that took long to make."""

import json
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from safemigrate.cache import cache_folder, digest
from safemigrate.errors import ServerError
from safemigrate.server.account import Account
from safemigrate.server.cache import find_cache, is_usable_cache
from safemigrate.server.holding import hold_folder, remove_unheld

__all__ = ["Keeping", "KeptCluster", "Shelf", "State", "open_shelf"]

_VARIABLE = "SAFEMIGRATE_CACHE_DIR"
_NAME = "states"
_CONTENTS = "contents.json"
_DATA = "data"
_KEPT_FOR_PROJECT = 2
_KEPT_IN_ALL = 8
_KEPT_SECONDS = 30 * 24 * 3600
_SCRATCH = ".new-"
_SCRATCH_SECONDS = 3600
_OTHERS_MAY_WRITE = 0o022


@dataclass(frozen=True, slots=True)
class Keeping:
    """What an embedded server begins with, where it is kept, and what it may leave for later.

    `key`: of whom it is. `wanted`: labels of databases, each better to have than those before it.
    """

    key: str
    wanted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class State:
    """A database that is kept, and the roles there were in its cluster when it was made."""

    database: str
    roles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeptCluster:
    """A cluster that was stopped in good order: its `folder` in the cache, its states by label."""

    folder: Path
    states: Mapping[str, State]

    @property
    def data(self) -> Path:
        """What a server starts from a copy of."""
        return self.folder / _DATA

    def discard(self) -> None:
        """Remove it, for it is of no use."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The clusters kept for one project and one installation of PostgreSQL.

    `folder`: belongs to us; only we may write there, and only we and `account` may read.
    """

    folder: Path
    account: Account

    @contextmanager
    def take(self, wanted: Sequence[str]) -> Iterator[KeptCluster | None]:
        """Yield the cluster with the best of what is wanted, None where there is none.

        Nobody removes it inside the block. One that belongs to somebody else, that others may
        write to, or that is not whole is passed over.
        """
        worth = {label: number for number, label in enumerate(wanted)}
        found = [one for one in self._list() if worth.keys() & one.states.keys()]
        found.sort(key=lambda one: max(worth.get(label, -1) for label in one.states), reverse=True)
        for one in found:
            with hold_folder(one.folder) as is_held:
                if is_held and self._read(one.folder, is_thorough=True) == one:
                    os.utime(one.folder)
                    yield one
                    return
        yield None

    def put(self, data: Path, states: Mapping[str, State]) -> None:
        """Keep a copy of the data of a server that has stopped; forget what is old.

        What cannot be kept is let go, for it can be made again.
        """
        try:
            scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self.folder))
        except OSError:
            return
        try:
            self._copy(data, scratch)
            files, size = _measure(scratch / _DATA)
            contents = {
                "files": files,
                "bytes": size,
                "states": {
                    label: {"database": one.database, "roles": dict(one.roles)}
                    for label, one in states.items()
                },
            }
            list_ = scratch / _CONTENTS
            list_.touch(mode=0o600)
            list_.write_text(json.dumps(contents), encoding="utf-8")
            scratch.rename(self.folder / scratch.name.removeprefix(_SCRATCH))
        except (OSError, subprocess.CalledProcessError):
            return
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        self._forget()

    def _copy(self, data: Path, scratch: Path) -> None:
        """Copy the data so that we own it, and the server's account may read it."""
        target = scratch / _DATA
        commands: list[list[str | Path]] = [["cp", "-R", data, target]]
        if self.account.is_other:
            group = str(self.account.gid)
            commands += [["chgrp", "-R", group, scratch], ["chmod", "-R", "u=rwX,g=rX,o=", scratch]]
        for command in commands:
            subprocess.run(command, check=True, capture_output=True, cwd="/")  # noqa: S603 - fixed programs, names that we made
        for name in ("postmaster.opts", "postmaster.pid"):
            (target / name).unlink(missing_ok=True)

    def _list(self) -> Iterator[KeptCluster]:
        with suppress(OSError), os.scandir(self.folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    found = self._read(Path(entry.path))
                    if found is not None:
                        yield found

    def _read(self, folder: Path, *, is_thorough: bool = False) -> KeptCluster | None:
        """Return the cluster in a folder, None where it is none to be trusted, or not whole."""
        try:
            if not _is_private(folder):
                return None
            contents = json.loads((folder / _CONTENTS).read_text(encoding="utf-8"))
            states = {
                str(label): State(str(one["database"]), dict(one["roles"]))
                for label, one in contents["states"].items()
            }
            if is_thorough and _measure(folder / _DATA) != (contents["files"], contents["bytes"]):
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return KeptCluster(folder, states)

    def _forget(self) -> None:
        """Remove all but the newest of this project and of all projects, and what is old."""
        with suppress(OSError):
            of_project = _list_newest(self.folder.glob("*"))
            of_all = _list_newest(self.folder.parent.glob("*/*"))
            limit = time.time() - _KEPT_SECONDS
            old = {one for one in of_all if one.stat().st_mtime < limit}
            for one in {*of_project[_KEPT_FOR_PROJECT:], *of_all[_KEPT_IN_ALL:], *old}:
                remove_unheld(one)
            for one in self.folder.parent.glob(f"*/{_SCRATCH}*"):
                # of a run that was killed while it wrote
                if one.stat().st_mtime < time.time() - _SCRATCH_SECONDS:
                    shutil.rmtree(one, ignore_errors=True)


def open_shelf(account: Account, installation: str, key: str) -> Shelf | None:
    """Return the shelf of a project, None where nothing can be kept.

    `installation`: what the cluster was made by, as text.
    """
    try:
        if os.environ.get(_VARIABLE):
            root = cache_folder()
            if not is_usable_cache(root, account):
                return None
        else:
            root = find_cache(account)
        states = root / _NAME
        folder = states / digest(installation, key)
        for one in (states, folder):
            one.mkdir(mode=0o700, exist_ok=True)
            if not _is_private(one):
                return None
            if account.is_other:
                os.chown(one, -1, account.gid)
                one.chmod(0o750)
    except (OSError, RuntimeError, ServerError):
        return None
    return Shelf(folder, account)


def _is_private(folder: Path) -> bool:
    """Say whether it is a folder of ours that nobody else may write to."""
    state = folder.lstat()
    is_ours = stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid()
    return is_ours and not state.st_mode & _OTHERS_MAY_WRITE


def _list_newest(folders: Iterator[Path]) -> list[Path]:
    named = [one for one in folders if not one.name.startswith(".")]
    return sorted(named, key=lambda one: one.stat().st_mtime, reverse=True)


def _measure(folder: Path) -> tuple[int, int]:
    """Return how many files are below the folder, and their bytes: a crash leaves empty ones."""
    count = size = 0
    for place, _, names in os.walk(folder):
        for name in names:
            count += 1
            size += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - of thousands
    return count, size
