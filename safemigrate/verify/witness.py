"""A second process that runs upgrades, so that what only one process knows comes to light.

It is started when the first revision asks for it, with other hash values, and stays for the rest
of the history. It ends when its standard input does, and so with the process that started it.
"""

import ast
import os
import select
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from safemigrate.config import VerifyChoices
from safemigrate.errors import ServerError
from safemigrate.source import Project
from safemigrate.verify.snapshots import VersionTable

__all__ = ["Answer", "Request", "Surroundings", "Witness", "may_know_process"]

# What a revision may import and still know nothing of its process, the clock or chance.
_HARMLESS = frozenset(
    {
        "__future__", "alembic", "collections", "dataclasses", "decimal", "enum", "json", "logging",
        "re", "sqlalchemy", "textwrap", "typing", "typing_extensions",
    }
)  # fmt: skip
# Built-in names whose outcome is another one in each process, or that hide what is used.
_TELLING = frozenset({"__import__", "eval", "exec", "frozenset", "hash", "id", "open", "set"})
_START_SECONDS = 60.0
_END_SECONDS = 5.0
# For what comes around the revision: env.py, and sessions that are ended.
_MARGIN_SECONDS = 15.0


class Surroundings(msgspec.Struct, frozen=True):
    """What the other process is told first, so that a revision finds there what it found here.

    `config`, `path`: the configuration, and where Python looks. `allowed_hosts`: which of the
    network may be reached beside the database. `roles_before`: what `replaying_roles` is given;
    None where nothing is replayed. `time_limit_s`: how long an upgrade may take.
    """

    config: str
    path: list[str]
    allowed_hosts: tuple[str, ...]
    roles_before: frozenset[str] | None
    time_limit_s: float


class Request(msgspec.Struct, frozen=True):
    """An upgrade to be run on the database of a URL."""

    url: str
    revision: str


class Answer(msgspec.Struct, frozen=True):
    """What became of it; `error` is empty for a success."""

    error: str = ""
    version_name: str = VersionTable().name
    version_schema: str | None = None

    @property
    def version_table(self) -> VersionTable:
        """The version table that env.py named."""
        return VersionTable(self.version_name, self.version_schema)


def may_know_process(path: Path | str) -> bool:
    """Return whether the revision's code uses anything that can be different in another process.

    That is: an import from elsewhere than Alembic and SQLAlchemy, a set, whose order depends on
    hash values, `hash()` or `id()`.
    """
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True
    return any(map(_is_telling, ast.walk(tree)))


def _is_telling(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return any(one.name.partition(".")[0] not in _HARMLESS for one in names)
        case ast.ImportFrom(module=module, level=level):
            return level > 0 or (module or "").partition(".")[0] not in _HARMLESS
        case ast.Name(id=name):
            return name in _TELLING
        case _:
            return isinstance(node, ast.Set | ast.SetComp)


@dataclass(slots=True)
class Witness:
    """The other process, which ends with the block.

    `choices` and `roles_before` are what revisions run under in this process. Each process that
    this one forks starts one of its own.
    """

    project: Project
    choices: VerifyChoices
    roles_before: frozenset[str] | None = None
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process, if there is one."""
        self._end()

    def upgrade(self, url: str, revision: str) -> Answer:
        """Return what became of the upgrade there; one that takes too long is ended.

        Raises ServerError when the process cannot be started, or is gone.
        """
        process = self._open()
        limit = self.choices.time_limit.total_seconds()
        _tell(process, Request(url, revision))
        # it ends what takes too long itself, where that can be interrupted
        answer = _hear(process, limit + _MARGIN_SECONDS)
        return answer or Answer(f"it did not end within {limit:g} s")

    def _open(self) -> subprocess.Popen[bytes]:
        """Return the process with the project open; raises ServerError when it cannot be."""
        if self.process is not None and self.process.poll() is None:
            return self.process
        self._end()
        self.process = process = _start()
        _tell(
            process,
            Surroundings(
                str(self.project.config_path),
                sys.path,
                self.choices.allowed_hosts,
                self.roles_before,
                self.choices.time_limit.total_seconds(),
            ),
        )
        answer = _hear(process, _START_SECONDS)
        error = f"no answer within {_START_SECONDS:g} s" if answer is None else answer.error
        if error:
            self._end()
            raise ServerError(f"the project cannot be read in a second process: {error}")
        return process

    def _end(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                # what was not sent is lost with the process that was to get it
                with suppress(OSError):
                    stream.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _tell(process: subprocess.Popen[bytes], message: msgspec.Struct) -> None:
    if process.stdin is None:
        raise AssertionError
    try:
        process.stdin.write(msgspec.json.encode(message) + b"\n")
        process.stdin.flush()
    except OSError as err:
        raise _gone() from err


def _hear(process: subprocess.Popen[bytes], seconds: float) -> Answer | None:
    """Return the answer; None, and the process is killed, when there is none for so long."""
    if process.stdout is None:
        raise AssertionError
    if not select.select([process.stdout], [], [], seconds)[0]:
        process.kill()
        process.wait()
        return None
    line = process.stdout.readline()
    if not line:
        raise _gone()
    return msgspec.json.decode(line, type=Answer)


def _gone() -> ServerError:
    return ServerError(
        "the second process, which runs upgrades to compare them, has ended",
        "a revision or env.py may have ended it",
    )


def _start() -> subprocess.Popen[bytes]:
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "safemigrate.verify.witnessing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
    except OSError as err:
        raise ServerError(f"a second process cannot be started: {err.strerror}") from err
