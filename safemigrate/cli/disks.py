"""How much room there is where a server keeps its data, when that is on this machine."""

import shutil
from contextlib import suppress
from pathlib import Path

from safemigrate.catalog.figures import Disk

__all__ = ["find_free_bytes"]

# postmaster.pid says when it was started, in its third line, as the server itself does in SQL.
_LINE_OF_START = 2
_MOST_DIFFERENCE_SECONDS = 60


def find_free_bytes(disk: Disk, tablespace: str = "") -> int | None:
    """Return what is free for a tablespace, given by its folder; "" is the server's own.

    None where that cannot be known: a server of another machine, a folder that may not be read. A
    folder of the same name here that belongs to another server is told by its postmaster.pid.
    """
    if not disk.is_local or not disk.data_directory:
        return None
    folder = Path(disk.data_directory)
    with suppress(OSError, ValueError, IndexError):
        lines = (folder / "postmaster.pid").read_text("utf-8").splitlines()
        if abs(int(lines[_LINE_OF_START]) - disk.started) <= _MOST_DIFFERENCE_SECONDS:
            return shutil.disk_usage(tablespace or folder).free
    return None
