"""What the second process does: upgrades, asked for line by line on its standard input.

Its clock is ahead while a revision runs. `python -m safemigrate.verify.witnessing` is started by
`witness`, and by nobody else.
"""

import datetime as dt
import os
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import msgspec

from safemigrate.errors import SafemigrateError
from safemigrate.model import Direction
from safemigrate.source import Project, open_project
from safemigrate.trace import open_connection
from safemigrate.verify.bench import Bench, Move
from safemigrate.verify.surroundings import refusing_network, replaying_roles
from safemigrate.verify.witness import Answer, Request, Surroundings

__all__ = ["main"]

# Another year, month, day, hour and minute.
_AHEAD = dt.timedelta(days=1234, hours=7, minutes=11)


def main() -> None:
    """Answer each line of standard input with one of standard output, until there are no more."""
    # what foreign code writes goes elsewhere
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        lines = iter(sys.stdin.buffer.readline, b"")
        surroundings = msgspec.json.decode(next(lines), type=Surroundings)
        sys.path[:] = surroundings.path
        try:
            project = open_project(Path(surroundings.config))
        except SafemigrateError as error:
            _answer(answers, Answer(error.message))
            return
        _answer(answers, Answer())
        for line in lines:
            request = msgspec.json.decode(line, type=Request)
            _answer(answers, _upgrade(project, surroundings, request))


def _answer(answers: BinaryIO, answer: Answer) -> None:
    answers.write(msgspec.json.encode(answer) + b"\n")
    answers.flush()


def _upgrade(project: Project, surroundings: Surroundings, request: Request) -> Answer:
    try:
        with open_connection(request.url) as connection:
            limit = dt.timedelta(seconds=surroundings.time_limit_s)
            bench = Bench(project, request.url, connection, time_limit=limit)
            script = project.script.get_revision(request.revision)
            with _surrounded(surroundings, request.url), _clock_ahead():
                fault = bench.run([Move(script, Direction.UPGRADE)])
    except SafemigrateError as error:
        return Answer(error.message)
    table = bench.version_table
    return Answer("" if fault is None else fault.reason, table.name, table.schema)


@contextmanager
def _surrounded(surroundings: Surroundings, url: str) -> Iterator[None]:
    """Give the block the roles and the network that a revision has in the first process."""
    with ExitStack() as stack:
        if surroundings.roles_before is not None:
            stack.enter_context(replaying_roles(surroundings.roles_before))
        stack.enter_context(refusing_network(url, surroundings.allowed_hosts))
        yield


@contextmanager
def _clock_ahead() -> Iterator[None]:
    """Let the project's own code see a later time for as long as the block runs.

    `date.today()` asks `time.time`; `datetime.now()` asks the system, so the class is replaced,
    also where a module of the project has it by name.
    """
    changes: list[tuple[Any, str, object]] = [
        (time, "time", _later(time.time)),
        (time, "time_ns", _later_ns(time.time_ns)),
        (time, "gmtime", _when_not_said(time.gmtime, time.time)),
        (time, "localtime", _when_not_said(time.localtime, time.time)),
        (time, "strftime", _format_later(time.strftime, time.localtime, time.time)),
        (dt, "datetime", _LaterDatetime),
    ]
    named = {id(getattr(place, name)): new for place, name, new in changes}
    for module in filter(_is_of_project, list(sys.modules.values())):
        for name, value in list(vars(module).items()):
            if id(value) in named:
                changes.append((module, name, named[id(value)]))
    before = [(place, name, getattr(place, name)) for place, name, _ in changes]
    try:
        for place, name, new in changes:
            setattr(place, name, new)
        yield
    finally:
        for place, name, old in before:
            setattr(place, name, old)


_LIBRARY = (sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), "site-packages")


def _is_of_project(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    name = getattr(module, "__name__", "")
    return (
        isinstance(file, str)
        and not name.startswith("safemigrate")
        and name != "__main__"
        and not any(folder in file for folder in _LIBRARY)
    )


def _later(now: Callable[[], float]) -> Callable[[], float]:
    return lambda: now() + _AHEAD.total_seconds()


def _later_ns(now: Callable[[], int]) -> Callable[[], int]:
    return lambda: now() + int(_AHEAD.total_seconds()) * 10**9


def _when_not_said(
    convert: Callable[[float], time.struct_time], now: Callable[[], float]
) -> Callable[[float | None], time.struct_time]:
    def converted(seconds: float | None = None) -> time.struct_time:
        return convert(now() + _AHEAD.total_seconds() if seconds is None else seconds)

    return converted


def _format_later(
    write: Callable[..., str],
    convert: Callable[[float], time.struct_time],
    now: Callable[[], float],
) -> Callable[..., str]:
    def written(layout: str, moment: time.struct_time | None = None) -> str:
        return write(layout, convert(now() + _AHEAD.total_seconds()) if moment is None else moment)

    return written


_Datetime = dt.datetime


class _LikeDatetime(type):
    """Every datetime is one of its classes."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _Datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _Datetime)


class _LaterDatetime(_Datetime, metaclass=_LikeDatetime):
    """Makes ordinary datetimes, and takes now for later."""

    def __new__(cls, *arguments: Any, **options: Any) -> Any:
        return _Datetime(*arguments, **options)

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        """Return a moment that has not come."""
        return _Datetime.now(tz) + _AHEAD

    @classmethod
    def utcnow(cls) -> Any:
        """Return the same without a time zone."""
        return _Datetime.now(dt.UTC).replace(tzinfo=None) + _AHEAD


if __name__ == "__main__":
    main()
