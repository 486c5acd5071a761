"""Every error safemigrate raises on purpose.

The tree, with the exit code a command ends in (see ExitCode)::

    SafemigrateError                      (abstract)
    ├── UsageError                        2   the command line is wrong
    ├── ConfigError                       2   a configuration file is wrong
    ├── SourceError                       2   migrations cannot be found or read
    │   ├── RevisionError                 2   one revision file, or the graph of them, is broken
    │   └── SqlSyntaxError                2   SQL that PostgreSQL's parser refuses
    ├── EnvironmentSetupError             2   the project's env.py cannot be run safely
    ├── DatabaseError                     2   a database cannot be used at all
    │   ├── UnreachableError              2   nobody answers, or the credentials are refused
    │   └── NotPostgresError              2   the URL names another kind of database
    ├── ServerError                       2   no throwaway server can be started
    ├── ForgeError                        2   the API of a forge refuses, or does not answer
    ├── GateRefusedError                  1   the policy refuses what was asked
    ├── LockTimeoutError                  3   gave up waiting, nothing was changed
    ├── RunStoppedError                   3   ended from outside, nothing was changed
    ├── RevisionFailedError               1   a revision failed and was rolled back as a whole
    └── InterruptedRunError               4   stopped part-way: `safemigrate status`

A message says what happened, with names quoted; the hint says what to do next.
"""

from enum import IntEnum
from typing import ClassVar

__all__ = [
    "ConfigError",
    "DatabaseError",
    "EnvironmentSetupError",
    "ExitCode",
    "ForgeError",
    "GateRefusedError",
    "InterruptedRunError",
    "LockTimeoutError",
    "NotPostgresError",
    "RevisionError",
    "RevisionFailedError",
    "RunStoppedError",
    "SafemigrateError",
    "ServerError",
    "SourceError",
    "SqlSyntaxError",
    "UnreachableError",
    "UsageError",
]


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FINDINGS = 1
    USAGE = 2
    GAVE_UP = 3
    PART_WAY = 4


class SafemigrateError(Exception):
    """The base of every error of this package.

    `message` says what happened, `hint` what to do next (may be empty).
    Neither may contain a password.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SafemigrateError):
    """The command line asks for something that cannot be."""


class ConfigError(SafemigrateError):
    """A configuration file is missing, unreadable or says something unknown."""


class SourceError(SafemigrateError):
    """Migrations cannot be found or read."""


class RevisionError(SourceError):
    """One revision file, or the graph the files make, is broken."""


class SqlSyntaxError(SourceError):
    """SQL that PostgreSQL's parser refuses.

    `offset` is the 0-based character offset into the SQL given to the parser.
    """

    def __init__(self, message: str, hint: str = "", *, offset: int = 0) -> None:
        super().__init__(message, hint)
        self.offset = offset


class EnvironmentSetupError(SafemigrateError):
    """The project's env.py raised, or set up a connection we must not migrate on."""


class DatabaseError(SafemigrateError):
    """A database answered, and cannot be used for what was asked."""


class UnreachableError(DatabaseError):
    """Nobody answers at the address, or the credentials are refused."""


class NotPostgresError(DatabaseError):
    """The URL names a database that is not PostgreSQL."""


class ServerError(SafemigrateError):
    """A throwaway server cannot be started."""


class ForgeError(SafemigrateError):
    """The API of a forge refuses what was asked, or does not answer.

    `status` is that of the answer; None where there was none that could be read.
    """

    def __init__(self, message: str, hint: str = "", *, status: int | None = None) -> None:
        super().__init__(message, hint)
        self.status = status


class GateRefusedError(SafemigrateError):
    """The policy refuses to run what was asked; nothing was changed."""

    exit_code = ExitCode.FINDINGS


class LockTimeoutError(SafemigrateError):
    """A lock was not to be had in time; nothing was changed, safe to run again."""

    exit_code = ExitCode.GAVE_UP


class RunStoppedError(SafemigrateError):
    """A run was ended from outside; nothing was changed, safe to run again."""

    exit_code = ExitCode.GAVE_UP


class RevisionFailedError(SafemigrateError):
    """A revision failed and its transaction was rolled back as a whole."""

    exit_code = ExitCode.FINDINGS


class InterruptedRunError(SafemigrateError):
    """The run stopped after part of a revision had been committed."""

    exit_code = ExitCode.PART_WAY
