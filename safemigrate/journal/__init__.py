"""What was done to a database, kept in the database itself."""

from safemigrate.journal.durations import count_milliseconds
from safemigrate.journal.entries import (
    Attempt,
    Entry,
    Outcome,
    read_entries,
    read_last_entry,
    write_entry,
)
from safemigrate.journal.layout import LAYOUT, has_journal, prepare_journal
from safemigrate.journal.partial import PartialRun, find_partial_runs, read_partial_runs

__all__ = [
    "LAYOUT",
    "Attempt",
    "Entry",
    "Outcome",
    "PartialRun",
    "count_milliseconds",
    "find_partial_runs",
    "has_journal",
    "prepare_journal",
    "read_entries",
    "read_last_entry",
    "read_partial_runs",
    "write_entry",
]
