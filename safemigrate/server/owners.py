"""Which process made something on a server, in a short text that outlives the process."""

import os
import platform
import re
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path

__all__ = ["Owner", "find_owner", "this_process"]

_PROC = Path("/proc")
_TEXT = re.compile(r"(?P<host>[0-9a-f]{10})_(?P<pid>\d{1,10})_(?P<started>[0-9a-f]{1,16})")
_FIELD_OF_START = 19  # after the name of the program, which may have spaces in it (proc(5), stat)


@dataclass(frozen=True, slots=True)
class Owner:
    """A process: the machine it runs on since that was started, its pid, and when it began.

    `started`: in ticks of the machine's clock, 0 where nobody tells. Its text is fit for the name
    of a database.
    """

    host: str
    pid: int
    started: int

    def __str__(self) -> str:
        return f"{self.host}_{self.pid}_{self.started:x}"

    @property
    def is_gone(self) -> bool:
        """Whether it ran on this machine, where its pid means the same, and runs no more."""
        if self.host != _describe_host():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            # it is somebody else's
            pass
        started = _read_start(self.pid)
        return bool(started and self.started) and started != self.started


def find_owner(text: str) -> Owner | None:
    """Return the owner that stands in the text, None for none."""
    match = _TEXT.search(text)
    if match is None:
        return None
    return Owner(match["host"], int(match["pid"]), int(match["started"], 16))


def this_process() -> Owner:
    """Return the owner of what is made from now on."""
    pid = os.getpid()
    return Owner(_describe_host(), pid, _read_start(pid))


@cache
def _describe_host() -> str:
    """Return what is the same for two processes only where a pid means the same to both.

    Containers on one machine have the same kernel, and pids of their own.
    """
    parts = [platform.node()]
    for read in (_read_boot, _read_namespace):
        try:
            parts.append(read())
        except OSError:
            parts.append("")
    return blake2b("\n".join(parts).encode(), digest_size=5).hexdigest()


def _read_boot() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _read_namespace() -> str:
    return str((_PROC / "self/ns/pid").readlink())


def _read_start(pid: int) -> int:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
        return int(text.rpartition(")")[2].split()[_FIELD_OF_START])
    except (OSError, ValueError, IndexError):
        return 0
