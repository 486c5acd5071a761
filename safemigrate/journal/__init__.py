"""What was done to a database, kept in the database itself."""

from safemigrate.journal.driving import ask_at_once, send_unseen, translated
from safemigrate.journal.durations import count_milliseconds
from safemigrate.journal.entries import (
    Attempt,
    Entry,
    Outcome,
    read_entries,
    read_last_entry,
    write_end,
    write_entry,
)
from safemigrate.journal.layout import LAYOUT, has_journal, has_layout, prepare_journal
from safemigrate.journal.partial import PartialRun, find_partial_runs, read_partial_runs
from safemigrate.journal.persons import find_host, find_os_user, find_package_version
from safemigrate.journal.resolutions import Decision, Resolution, read_forgotten, resolve
from safemigrate.journal.resumed import Resumed, read_resumed
from safemigrate.journal.statements import (
    DoneStatement,
    Run,
    StatementRow,
    StatementState,
    finish_statement,
    is_session_alive,
    read_progress,
    read_progress_of,
    read_since,
    read_unfinished,
    retire,
    write_statements,
)

__all__ = [
    "LAYOUT",
    "Attempt",
    "Decision",
    "DoneStatement",
    "Entry",
    "Outcome",
    "PartialRun",
    "Resolution",
    "Resumed",
    "Run",
    "StatementRow",
    "StatementState",
    "ask_at_once",
    "count_milliseconds",
    "find_host",
    "find_os_user",
    "find_package_version",
    "find_partial_runs",
    "finish_statement",
    "has_journal",
    "has_layout",
    "is_session_alive",
    "prepare_journal",
    "read_entries",
    "read_forgotten",
    "read_last_entry",
    "read_partial_runs",
    "read_progress",
    "read_progress_of",
    "read_resumed",
    "read_since",
    "read_unfinished",
    "resolve",
    "retire",
    "send_unseen",
    "translated",
    "write_end",
    "write_entry",
    "write_statements",
]
