"""A folder of entries that any number of runs read and write at once."""

import contextlib
import os
import pickle
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["Store", "cache_folder", "open_store"]

_NAME = "safemigrate"
_VARIABLE = "SAFEMIGRATE_CACHE_DIR"

# What has not been used for so long is taken away when something is written.
_KEPT_SECONDS = 30 * 24 * 3600
_PRIVATE = 0o700
_OTHERS_MAY_WRITE = 0o022


class Store:
    """Values by key, one file each.

    A file is put in its place at once and whole, so a reader sees the old one or the new one. An
    entry that cannot be read counts as none; one that cannot be written is let go, for all that
    is kept here can be made again.
    """

    def __init__(self, folder: Path) -> None:
        """`folder`: belongs to this user, and nobody else may write there."""
        self._folder = folder

    def load(self, key: str) -> object:
        """Return the value of the key, None when there is none."""
        path = self._folder / key
        try:
            with path.open("rb") as file:
                # the folder is ours alone, as `open_store` has made sure
                value: object = pickle.load(file)  # noqa: S301
        except FileNotFoundError:
            return None
        except Exception:  # noqa: BLE001 - whatever a damaged entry raises, it is no entry
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return value

    def has(self, key: str) -> bool:
        """Return whether there is an entry, and keep it from being forgotten for a while."""
        try:
            os.utime(self._folder / key)
        except OSError:
            return False
        return True

    def save(self, key: str, value: object) -> None:
        """Put the value in the place of the one that the key has."""
        try:
            descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        except OSError:
            return
        try:
            with os.fdopen(descriptor, "wb") as file:
                pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)
            Path(name).replace(self._folder / key)
        except Exception:  # noqa: BLE001 - whatever cannot be kept can be made again
            Path(name).unlink(missing_ok=True)
            return
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._forget_old()

    def _forget_old(self) -> None:
        limit = time.time() - _KEPT_SECONDS
        with contextlib.suppress(OSError), os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.stat().st_mtime < limit:
                    Path(entry.path).unlink(missing_ok=True)


def open_store(name: str) -> Store | None:
    """Return the store of that name in the user's cache folder, None where none can be had.

    A folder that belongs to somebody else, or that others may write to, is not used.
    """
    try:
        folder = cache_folder() / name
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        state = folder.stat()
    except (OSError, RuntimeError):
        return None
    if sys.platform != "win32" and (
        state.st_uid != os.getuid() or state.st_mode & _OTHERS_MAY_WRITE
    ):
        return None
    return Store(folder)


def cache_folder() -> Path:
    """Return $SAFEMIGRATE_CACHE_DIR, or `safemigrate` in $XDG_CACHE_HOME or ~/.cache.

    Raises RuntimeError when the user has no home.
    """
    chosen = os.environ.get(_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / _NAME
