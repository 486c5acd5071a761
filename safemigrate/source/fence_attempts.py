"""What foreign code would do to the machine or the network, read from Python's audit events.

The events: https://docs.python.org/3/library/audit_events.html
"""

import errno
import ipaddress
import os
import re
import shlex
import signal
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from safemigrate.model.secrets import hide_passwords

__all__ = [
    "CALLS",
    "PATHS",
    "Attempt",
    "AttemptKind",
    "FenceError",
    "PathUse",
    "describe_address",
    "is_writing",
    "name_signal",
]


class AttemptKind(Enum):
    """What was tried, as a verb: what the code does, and what is refused."""

    CHANGE = ("changes the attributes of", "changing the attributes of")
    CONNECT = ("connects to", "connecting to")
    EXIT = ("ends the process at once", "ending the process at once")
    FORK = ("starts another process", "starting another process")
    LINK = ("makes the link", "making the link")
    LISTEN = ("listens on", "listening on")
    LOOK_UP = ("looks up", "looking up")
    MAKE_FILE = ("makes the file", "making the file")
    MAKE_FOLDER = ("makes the folder", "making the folder")
    MAKE_MEMORY = ("makes shared memory", "making shared memory")
    OPEN_DATABASE = ("opens the database", "opening the database")
    RAISE = ("sends itself the signal", "sending itself the signal")
    REMOVE = ("removes", "removing")
    RENAME = ("renames", "renaming")
    SEND = ("sends to", "sending to")
    SIGNAL = ("sends a signal to process", "sending a signal to process")
    START = ("starts the program", "starting the program")
    WRITE = ("writes", "writing")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that was refused: `str()` says it in the present tense.

    `what`: the host and port, the program or the path, without passwords; may be empty.
    """

    kind: AttemptKind
    what: str = ""

    def __str__(self) -> str:
        return self._say(self.kind.value[0])

    @property
    def refusal(self) -> str:
        """Say that it is refused."""
        return f"{self._say(self.kind.value[1])} is refused while migrations are read"

    def _say(self, verb: str) -> str:
        return f'{verb} "{hide_passwords(self.what)}"' if self.what else verb


class FenceError(PermissionError):
    """What foreign code gets for an attempt; it may handle it as it handles a network that is down.

    Not one of our own errors, for it is not for the user: the attempt is reported.
    """

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(errno.EACCES, attempt.refusal)
        self.attempt = attempt

    def __str__(self) -> str:
        return self.attempt.refusal


def describe_address(address: object) -> str:
    """Return a socket's address as `host:port`, or as the path that it is."""
    if isinstance(address, tuple) and len(address) > 1:
        host, port = _decode(address[0]), address[1]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(address, (str, bytes, bytearray)):
        return _decode(address).replace("\0", "@")
    return type(address).__name__


def _decode(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode(errors="replace")
    return str(value)


def _read_connect(arguments: tuple[Any, ...]) -> Attempt:
    return Attempt(AttemptKind.CONNECT, describe_address(arguments[1]))


def _read_bind(arguments: tuple[Any, ...]) -> Attempt | None:
    address = arguments[1]
    if isinstance(address, tuple) and address[1:2] == (0,) and _is_loopback(address[0]):
        # libraries try whether there is IPv6, or which port is free, when they are imported
        return None
    return Attempt(AttemptKind.LISTEN, describe_address(address))


def _read_send(arguments: tuple[Any, ...]) -> Attempt | None:
    address = arguments[1]
    # without an address it goes to the other end of a pair, for nothing else is connected
    return None if address is None else Attempt(AttemptKind.SEND, describe_address(address))


def _read_look_up(arguments: tuple[Any, ...]) -> Attempt | None:
    host, port = arguments[0], arguments[1] if len(arguments) > 1 else None
    if isinstance(host, tuple):
        return Attempt(AttemptKind.LOOK_UP, describe_address(host))
    if not host or _is_number(_decode(host)):
        return None
    if port in (None, 0, "", "0"):
        return Attempt(AttemptKind.LOOK_UP, _decode(host))
    # who asks for a port is about to connect
    return Attempt(AttemptKind.CONNECT, f"{_decode(host)}:{_decode(port)}")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: object) -> bool:
    name = _decode(host)
    return name == "localhost" or (_is_number(name) and ipaddress.ip_address(name).is_loopback)


_SHELLS = frozenset({"sh", "bash", "dash", "zsh"})
_ASSIGNMENT = re.compile(r"\w+=")
_PLAIN_PROGRAM = re.compile(r"[\w./+~-]+")


def _read_command(command: str) -> str:
    """Return the program that a shell would start; the shell itself when it cannot be said.

    Nothing else of the command is shown: `PGPASSWORD=… pg_dump` is one.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return "sh"
    program = next((word for word in words if not _ASSIGNMENT.match(word)), "")
    return program if _PLAIN_PROGRAM.fullmatch(program) else "sh"


def _read_program(program: object, words: object = ()) -> Attempt:
    if isinstance(words, (str, bytes, os.PathLike)):
        words = (words,)
    listed = [os.fsdecode(one) for one in words] if isinstance(words, Iterable) else []
    name = listed[0] if listed else os.fsdecode(program)  # type: ignore[arg-type]  # what the event has
    if len(listed) > 2 and listed[1] == "-c" and os.path.basename(name) in _SHELLS:  # noqa: PLR2004, PTH119 - sh -c COMMAND, which need not be a path
        name = _read_command(listed[2])
    return Attempt(AttemptKind.START, name)


def _read_kill(arguments: tuple[Any, ...]) -> Attempt | None:
    process, number = arguments[:2]
    if number == 0:
        return None
    # 0 stands for the own group, and so does its number with a minus
    if process in {0, os.getpid(), os.getpgrp(), -os.getpgrp()}:
        return Attempt(AttemptKind.RAISE, name_signal(number))
    return Attempt(AttemptKind.SIGNAL, str(process))


def _read_thread_kill(arguments: tuple[Any, ...]) -> Attempt | None:
    number = arguments[1]
    return None if number == 0 else Attempt(AttemptKind.RAISE, name_signal(number))


def name_signal(number: int) -> str:
    """Return the name of a signal, or its number when it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


# None stands for what does no harm.
CALLS: Mapping[str, Callable[[tuple[Any, ...]], Attempt | None]] = {
    "os.exec": lambda arguments: _read_program(*arguments[:2]),
    "os.fork": lambda _: Attempt(AttemptKind.FORK),
    "os.forkpty": lambda _: Attempt(AttemptKind.FORK),
    "os.kill": _read_kill,
    "os.killpg": _read_kill,
    "os.posix_spawn": lambda arguments: _read_program(*arguments[:2]),
    "os.spawn": lambda arguments: _read_program(*arguments[1:3]),
    "os.startfile": lambda arguments: _read_program(arguments[0]),
    "os.system": lambda arguments: Attempt(
        AttemptKind.START, _read_command(os.fsdecode(arguments[0]))
    ),
    "pty.spawn": lambda arguments: _read_program("", arguments[0]),
    "signal.pthread_kill": _read_thread_kill,
    "socket.bind": _read_bind,
    "socket.connect": _read_connect,
    "socket.getaddrinfo": _read_look_up,
    "socket.gethostbyaddr": _read_look_up,
    "socket.gethostbyname": _read_look_up,
    "socket.getnameinfo": _read_look_up,
    "socket.sendmsg": _read_send,
    "socket.sendto": _read_send,
    "subprocess.Popen": lambda arguments: _read_program(*arguments[:2]),
    "syslog.syslog": lambda _: Attempt(AttemptKind.WRITE, "the system log"),
}


@dataclass(frozen=True, slots=True)
class PathUse:
    """What an event does to the path among its arguments.

    `position`: of the path. `folder`: where the descriptor stands that it counts from, if any.
    """

    kind: AttemptKind
    position: int
    folder: int | None = None


# The first path that may not be used so is the one that is named.
PATHS: Mapping[str, tuple[PathUse, ...]] = {
    "open": (PathUse(AttemptKind.WRITE, 0),),
    "os.chflags": (PathUse(AttemptKind.CHANGE, 0),),
    "os.chmod": (PathUse(AttemptKind.CHANGE, 0, 2),),
    "os.chown": (PathUse(AttemptKind.CHANGE, 0, 3),),
    "os.link": (PathUse(AttemptKind.LINK, 1, 3),),
    "os.mkdir": (PathUse(AttemptKind.MAKE_FOLDER, 0, 2),),
    "os.remove": (PathUse(AttemptKind.REMOVE, 0, 1),),
    "os.removexattr": (PathUse(AttemptKind.CHANGE, 0),),
    "os.rename": (PathUse(AttemptKind.RENAME, 0, 2), PathUse(AttemptKind.WRITE, 1, 3)),
    "os.rmdir": (PathUse(AttemptKind.REMOVE, 0, 1),),
    "os.setxattr": (PathUse(AttemptKind.CHANGE, 0),),
    "os.symlink": (PathUse(AttemptKind.LINK, 1, 2),),
    "os.truncate": (PathUse(AttemptKind.WRITE, 0),),
    "os.utime": (PathUse(AttemptKind.CHANGE, 0, 3),),
}

_WRITING_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def is_writing(arguments: tuple[Any, ...]) -> bool:
    """Return whether an event "open" is about a file that could be written."""
    _, mode, flags = arguments
    # the mode is there for who raises the event without flags
    return bool(flags & _WRITING_FLAGS) or (not flags and not set(mode or "").isdisjoint("wax+"))
