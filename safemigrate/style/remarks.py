"""One file of SQL as an editor has it → what we find in it.

The other files of its directory are read where a tool keeps migrations there, for they say what
exists. Imports nothing of sqlfluff's, and never raises.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from safemigrate.errors import SafemigrateError, UsageError

if TYPE_CHECKING:
    from safemigrate.model import Catalog, History, LintResult, Migration, ServerVersion, Timeline

__all__ = ["NOT_JUDGED", "Remark", "judge_text"]

NOT_JUDGED = "not-judged"
"""The name of what is no rule: something could not be judged."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is said about a place; `offset` is 0-based, in characters.

    `is_mild`: it is no error.
    """

    rule: str
    message: str
    offset: int
    is_mild: bool = False


def judge_text(text: str, path: Path, schema: Path | None) -> Sequence[Remark]:
    """Return what is to say about the text of the file at `path`, which need not be there.

    `schema`: the file that says what exists before it. What goes wrong is a remark itself.
    """
    try:
        return _judge(text, path.absolute(), schema)
    except SafemigrateError as error:
        hint = f"; {error.hint}" if error.hint else ""
        return [Remark(NOT_JUDGED, f"safemigrate could not judge this: {error.message}{hint}", 0)]
    except Exception as error:  # noqa: BLE001 - sqlfluff has rules beside ours
        words = f"safemigrate failed with {type(error).__name__}: {error}"
        return [Remark(NOT_JUDGED, words, 0)]


def _judge(text: str, path: Path, schema: Path | None) -> Sequence[Remark]:
    # What judges is imported when there is something to judge: sqlfluff also lists its rules.
    from safemigrate.config import check_rule_names, load_config  # noqa: PLC0415
    from safemigrate.lint import FAMILY_KEYS, STYLE, judge, rules  # noqa: PLC0415
    from safemigrate.model import OLDEST_VERSION  # noqa: PLC0415
    from safemigrate.source.excerpt import show_path  # noqa: PLC0415

    config = load_config(tuple(dict.fromkeys((*path.parents, Path.cwd()))))
    check_rule_names(config, {*rules(), STYLE}, FAMILY_KEYS.values())
    before, seen = _read_before(schema, config.default_schema)
    version = config.pg_version or seen or OLDEST_VERSION
    timeline = _walk(_read_history(text, path), before, version)
    shown = show_path(path)
    return _list_remarks(judge(timeline, settings=config.rules, paths=frozenset({shown})), text)


def _list_remarks(result: "LintResult", text: str) -> Sequence[Remark]:
    from safemigrate.model import Severity  # noqa: PLC0415
    from safemigrate.source.text import LineIndex  # noqa: PLC0415

    index = LineIndex(text)
    found = [
        Remark(
            one.rule,
            f"{one.message}: {one.why}" if one.why else one.message,
            index.start(one.span.line) + one.span.column - 1,
            is_mild=one.severity is not Severity.ERROR,
        )
        for one in result.findings
    ]
    gaps = (one for one in result.unjudged if one.hides_statements)
    return [
        *found,
        *(Remark(NOT_JUDGED, one.reason, index.start(one.line), is_mild=True) for one in gaps),
    ]


def _read_before(
    schema: Path | None, default_schema: str | None
) -> "tuple[Catalog, ServerVersion | None]":
    """Return what exists before the file, and of a snapshot the server's version."""
    from safemigrate.catalog import decode_snapshot, is_snapshot  # noqa: PLC0415
    from safemigrate.model import Catalog  # noqa: PLC0415
    from safemigrate.source import read_schema  # noqa: PLC0415
    from safemigrate.source.excerpt import show_path  # noqa: PLC0415
    from safemigrate.source.text import read_text  # noqa: PLC0415

    catalog, version = Catalog(), None
    if schema is not None:
        text, shown = read_text(schema), show_path(schema)
        if is_snapshot(text):
            snapshot = decode_snapshot(text, shown)
            catalog, version = snapshot.catalog(shown), snapshot.server_version
        else:
            catalog = read_schema(schema)
    if default_schema is not None:
        catalog = replace(catalog, settings={**catalog.settings, "search_path": default_schema})
    return catalog, version


def _read_history(text: str, path: Path) -> "History":
    """Return the migrations of the directory, where a tool keeps it, or that of the file alone."""
    from safemigrate.model import History  # noqa: PLC0415
    from safemigrate.source.excerpt import show_path  # noqa: PLC0415
    from safemigrate.source.sql_tools import read_file  # noqa: PLC0415

    # Some tools give each migration a folder.
    for folder in (path.parent, path.parent.parent):
        migrations = _read_folder(folder, path, text)
        if any(one.path == show_path(path) and one.text == text for one in migrations):
            return History(migrations)
    return History(read_file(path, {path: text}).migrations)


def _read_folder(folder: Path, path: Path, text: str) -> "tuple[Migration, ...]":
    """Return the migrations of the folder; none where it is not clear whose it is.

    What is wrong with a folder further above says nothing of the file: it may be of anything.
    """
    from safemigrate.source.sql_tools import is_of_tool, read_directory  # noqa: PLC0415

    try:
        if folder.is_dir() and is_of_tool(folder):
            return read_directory(folder, {path: text}).migrations
    except SafemigrateError as error:
        if folder == path.parent and not isinstance(error, UsageError):
            raise
    return ()


class _Walked:
    """The history that was walked through last: the files of a directory come one by one."""

    key: object = None
    timeline: "Timeline | None" = None


def _walk(history: "History", before: "Catalog", version: "ServerVersion") -> "Timeline":
    from safemigrate.facts import walk  # noqa: PLC0415

    key = (history, before, version)
    if _Walked.timeline is None or _Walked.key != key:
        _Walked.timeline = walk(history, before=before, version=version)
        _Walked.key = key
    return _Walked.timeline
