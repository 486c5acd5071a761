"""What was done to a database, as text."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from safemigrate.execute import HistoryLine, describe_duration
from safemigrate.journal import Entry, Outcome
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count

__all__ = ["format_history"]

# Enough for what a lock timeout says of the blockers.
_LONGEST_TEXT = 600
_COMMIT_LENGTH = 10
# How the description of a session begins; how long its transaction was open changes.
_PID = re.compile(r"pid \d+")
_WORTH_TELLING = timedelta(milliseconds=1)
_HEAD = ("when", "revision", "", "took", "attempts", "waited", "held up others")
_HEAD_OF_ORIGIN = ("by", "on", "commit", "CI run", "version", "message")


def format_history(lines: Sequence[HistoryLine], paint: Paint, width: int | None = None) -> str:
    """Return the report of `history`, newest last.

    A table, of which a column stands only where a run has something in it; where that is wider than
    `width` letters, some lines for each run.
    """
    if not lines:
        return "the history is empty: safemigrate has not run on this database yet\n"
    table = _format_table(lines, paint)
    widest = max(len(row) for row in _plain_rows(lines))
    text = table if width is None or widest <= width else _format_list(lines, paint)
    failed = sum(line.entry.outcome is Outcome.FAILED for line in lines)
    last = count(len(lines), "run") + (f", {failed} of them failed" if failed else "")
    return "\n".join([*text, "", last, ""])


def _format_table(lines: Sequence[HistoryLine], paint: Paint) -> list[str]:
    head, *rows = _plain_rows(lines)
    text = [paint(head, Tone.STRONG)]
    for line, row in zip(lines, rows, strict=True):
        text.append(paint(row, Tone.ERROR) if _is_failed(line) else row)
        text.extend(f"    {note}" for note in _list_notes(line))
    return text


def _plain_rows(lines: Sequence[HistoryLine]) -> list[str]:
    """Return the head and the rows, without the columns that nobody has anything in."""
    table = [(*_HEAD, *_HEAD_OF_ORIGIN), *(_cells(line) for line in lines)]
    columns = [
        column for column in zip(*table, strict=True) if any(column[1:]) or column[0] == "message"
    ]
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    ]


def _format_list(lines: Sequence[HistoryLine], paint: Paint) -> list[str]:
    text = []
    for line in lines:
        entry = line.entry
        tone = Tone.ERROR if _is_failed(line) else Tone.STRONG
        first = f"{_time(entry.started_at)}  {entry.revision}  {_what(line)}"
        text.append(f"{paint(first, tone)}  {line.message}".rstrip())
        text.append(f"    took {', '.join(_list_efforts(line))}")
        text.append(f"    by {', '.join(_list_origins(line))}")
        text.extend(f"    {note}" for note in _list_notes(line))
    return text


def _cells(line: HistoryLine) -> tuple[str, ...]:
    entry = line.entry
    return (
        _time(entry.started_at),
        entry.revision,
        _what(line),
        describe_duration(entry.duration),
        str(entry.attempts) if entry.attempts > 1 else "",
        _worth(entry.waited),
        _worth(entry.stalled),
        _who(line),
        entry.host,
        entry.git_commit[:_COMMIT_LENGTH],
        entry.ci_run,
        entry.package_version,
        line.message,
    )


def _list_efforts(line: HistoryLine) -> Iterator[str]:
    entry = line.entry
    yield describe_duration(entry.duration)
    if entry.attempts > 1:
        yield f"{entry.attempts} attempts"
    if waited := _worth(entry.waited):
        yield f"{waited} of it waiting"
    if stalled := _worth(entry.stalled):
        yield f"others held up for at most {stalled}"


def _list_origins(line: HistoryLine) -> Iterator[str]:
    entry = line.entry
    yield f"{_who(line)} on {entry.host}"
    if entry.git_commit:
        yield f"commit {entry.git_commit[:_COMMIT_LENGTH]}"
    if entry.ci_run:
        yield f"CI run {entry.ci_run}"
    yield f"safemigrate {entry.package_version}"


def _list_notes(line: HistoryLine) -> Iterator[str]:
    entry = line.entry
    if line.resumed is not None:
        done = count(line.resumed.statements, "statement")
        yield f"resumed: begun {_time(line.resumed.begun_at)}, {done} done before this run"
    if _is_failed(line) and entry.error:
        yield _shorten(entry.error)
    if entry.committed:
        yield f"committed before it failed: {_shorten('; '.join(entry.committed))}"
    if blockers := _list_blockers(entry):
        yield f"waited for: {_shorten('; '.join(blockers))}"
    if entry.override:
        yield f"overridden: {_shorten(entry.override)}"


def _list_blockers(entry: Entry) -> list[str]:
    """Return each session that was waited for once, without those that the error names."""
    newest = {found[0] if (found := _PID.match(one)) else one: one for one in entry.blockers}
    return [text for name, text in newest.items() if not _names(entry.error, name)]


def _names(error: str, session: str) -> bool:
    return re.search(rf"{re.escape(session)}(?!\d)", error) is not None


def _is_failed(line: HistoryLine) -> bool:
    return line.entry.outcome is Outcome.FAILED


def _what(line: HistoryLine) -> str:
    what = line.entry.direction.value
    return f"{what} failed" if _is_failed(line) else what


def _who(line: HistoryLine) -> str:
    entry = line.entry
    if entry.database_user == entry.os_user:
        return entry.os_user
    return f"{entry.os_user} as {entry.database_user}"


def _worth(duration: timedelta) -> str:
    return describe_duration(duration) if duration >= _WORTH_TELLING else ""


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
