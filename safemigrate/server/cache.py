"""The folder where what is slow to make is kept between starts."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from safemigrate.errors import ServerError
from safemigrate.server.account import Account

__all__ = ["cached_folder", "find_cache", "is_usable_cache"]

_NAME = "safemigrate"

# What has not been used for so long is taken away when something is built.
_KEPT_SECONDS = 30 * 24 * 3600
_DAY_SECONDS = 24 * 3600


def find_cache(account: Account) -> Path:
    """Return the cache folder, made if need be, that we can write and `account` can read.

    It is $XDG_CACHE_HOME/safemigrate or ~/.cache/safemigrate. As root, whose home is closed to the
    server's account, it may be one below /var. Raises ServerError when there is none.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    candidates = [home / _NAME]
    if account.is_other:
        candidates += [Path("/var/cache") / _NAME, Path("/var/tmp") / _NAME]  # noqa: S108 - owner is checked
    for folder in candidates:
        if is_usable_cache(folder, account):
            return folder
    tried = ", ".join(f'"{folder}"' for folder in candidates)
    raise ServerError(
        f'no cache folder can be written here and read by account "{account.name}": tried {tried}',
        "set XDG_CACHE_HOME to such a folder",
    )


def cached_folder(path: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder `path`, filled by `build` the first time.

    `build` gets an empty folder beside it, which then takes the name in one step: whoever comes
    second, in this process or another, finds it whole or not at all.
    """
    if path.is_dir():
        _note_use(path)
        return path
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        scratch.chmod(0o755)
        build(scratch)
        try:
            scratch.rename(path)
        except OSError:
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _forget_unused(path.parent)
    return path


def _note_use(path: Path) -> None:
    """Keep it from being forgotten for a while."""
    with suppress(OSError):
        if path.stat().st_mtime < time.time() - _DAY_SECONDS:
            os.utime(path)


def _forget_unused(folder: Path) -> None:
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.lstat().st_mtime < time.time() - _KEPT_SECONDS:
                shutil.rmtree(entry, ignore_errors=True)


def is_usable_cache(folder: Path, account: Account) -> bool:
    """Say whether the folder, made if need be, is ours to write and the account's to read."""
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError:
        return False
    if folder.stat().st_uid != os.geteuid() or not os.access(folder, os.W_OK):
        return False
    return not account.is_other or account.can_enter(folder)
