"""Folders of the cache that are read by one run while another wants to remove them."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["hold_folder", "remove_unheld"]


@contextmanager
def hold_folder(folder: Path) -> Iterator[bool]:
    """Keep others from removing the folder inside the block; yield whether it is there."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield _share(lock, folder)
    finally:
        os.close(lock)


def _share(lock: int, folder: Path) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        # it may have been removed while we waited
        return os.path.samestat(os.fstat(lock), folder.stat())
    except OSError:
        return False


def remove_unheld(folder: Path) -> None:
    """Remove the folder, unless somebody holds it."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
