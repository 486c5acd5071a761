"""The expectation file: queries, and how each must be planned."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import msgspec
import yaml
from msgspec import Meta, Struct

from safemigrate.errors import ConfigError, SqlSyntaxError
from safemigrate.model import ChangeRows, LockTable, NoTableAction, QualifiedName
from safemigrate.model.prose import as_clause
from safemigrate.model.secrets import quote_sql
from safemigrate.source.excerpt import show_path
from safemigrate.source.text import read_text
from safemigrate.sql import read_actions, split_statements

__all__ = ["Expectation", "Pruning", "read_expectations"]

_EXAMPLE = 'each entry has a "query" and what its plan must be, such as "uses: ix_orders__customer"'
_NAME_WIDTH = 60
_PLACEHOLDER = re.compile(r"\$(\d+)")
_STRING = re.compile(r"'(?:[^']|'')*'")
_PLACE = re.compile(r" - at `\$(?P<steps>[^`]*)`")
_UNKNOWN_KEY = re.compile(r"unknown field `(?P<key>.*?)`")
_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Pruning:
    """Which partitions a plan may read: those named `to`, or `at_most` so many of a table."""

    to: tuple[QualifiedName, ...] = ()
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """How one query must be planned.

    `place`: file and line (1-based). `tables`: the relations that the query names.
    `parameters`: the values of `$1` and so on as text, None for NULL; None where they are not
    given, and the plan is the one for any values.
    `uses`: indexes that the plan must use, all of them. `unscanned`: tables that it must read
    without a sequential scan. `is_index_only`: those indexes, or else every table, by index-only
    scans. `since`: the first revision after which it must hold, `until`: the first after which it
    need not any more; None for no such limit.
    """

    name: str
    query: str
    place: str
    tables: tuple[QualifiedName, ...]
    parameters: tuple[str | None, ...] | None = None
    uses: tuple[QualifiedName, ...] = ()
    unscanned: tuple[QualifiedName, ...] = ()
    pruning: Pruning | None = None
    is_index_only: bool = False
    since: str | None = None
    until: str | None = None

    @property
    def has_placeholders(self) -> bool:
        """Whether the query has a `$1`."""
        return _count_placeholders(self.query) > 0


_Name = Annotated[str, Meta(min_length=1)]
_Names = _Name | Annotated[tuple[_Name, ...], Meta(min_length=1)]
_Value = bool | int | float | str | None


class _Loader(yaml.SafeLoader):
    """YAML in which a date is text, which PostgreSQL reads."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Prunes(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """One of the two."""

    to: _Names | None = None
    at_most: Annotated[int, Meta(ge=1)] | None = None


class _Entry(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab", kw_only=True):
    """The keys as written."""

    query: _Name
    name: _Name | None = None
    parameters: tuple[_Value, ...] | None = None
    uses: _Names = ()
    no_seq_scan: _Names = ()
    prunes: _Prunes | None = None
    index_only: bool = False
    since: _Name | None = None
    until: _Name | None = None


def read_expectations(path: Path) -> tuple[Expectation, ...]:
    """Return what the file expects, in its order.

    Raises ConfigError, which names the file and as a rule the line, for one that is not as it
    must be.
    """
    return _read(read_text(path, error=ConfigError), show_path(path))


@lru_cache(maxsize=4)  # one file is asked for once a revision
def _read(text: str, path: str) -> tuple[Expectation, ...]:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        data = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        raise ConfigError(f'"{path}" line {line}: {error.problem}', _EXAMPLE) from error
    except yaml.YAMLError as error:
        raise ConfigError(f'"{path}" is not YAML: {error}', _EXAMPLE) from error
    finally:
        loader.dispose()
    if not isinstance(root, yaml.SequenceNode) or not root.value:
        raise ConfigError(f'"{path}" line 1: expected a list of queries', _EXAMPLE)
    try:
        entries = msgspec.convert(data, tuple[_Entry, ...])
    except msgspec.ValidationError as error:
        raise _explain(error, root, path) from error
    return tuple(
        _expect(entry, f'"{path}" line {node.start_mark.line + 1}')
        for entry, node in zip(entries, root.value, strict=True)
    )


def _explain(error: msgspec.ValidationError, root: yaml.Node, path: str) -> ConfigError:
    """Return the error with the line and the name of the key that is wrong."""
    message = str(error)
    place = _PLACE.search(message)
    steps = _STEP.findall("" if place is None else place["steps"])
    unknown = _UNKNOWN_KEY.search(message)
    keys = [key or int(index) for key, index in steps]
    if unknown is not None:
        keys.append(unknown["key"])
    line = _find_line(root, keys)
    shown = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    problem = message[: place.start()] if place is not None else message
    what = f'unknown key "{shown}"' if unknown is not None else f'"{shown}": {_lower(problem)}'
    return ConfigError(f'"{path}" line {line}: {what}', f"the keys are: {', '.join(_KEYS)}")


_KEYS = sorted(field.encode_name for field in msgspec.structs.fields(_Entry))


def _find_line(node: yaml.Node, keys: list[str | int]) -> int:
    """Return the line (1-based) of the innermost node that the keys lead to."""
    line = node.start_mark.line
    for key in keys:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            found = [(name, value) for name, value in node.value if name.value == key]
            if not found:
                break
            line, node = found[0][0].start_mark.line, found[0][1]
    return int(line) + 1


def _lower(text: str) -> str:
    return as_clause(text.replace("`", "").replace("Object", "table"))


def _expect(entry: _Entry, place: str) -> Expectation:
    """Return the entry as a value; raises ConfigError for one that expects nothing it could."""
    query = entry.query.strip().rstrip(";").strip()
    read = Expectation(
        name=entry.name or quote_sql(query, _NAME_WIDTH),
        query=query,
        place=place,
        tables=tuple(dict.fromkeys(_list_tables(query, place))),
        parameters=None if entry.parameters is None else tuple(map(_write, entry.parameters)),
        uses=_names(entry.uses),
        unscanned=_names(entry.no_seq_scan),
        pruning=_prune(entry.prunes, place),
        is_index_only=entry.index_only,
        since=entry.since,
        until=entry.until,
    )
    _check(read)
    return read


def _check(read: Expectation) -> None:
    """Raise ConfigError for an expectation of nothing, or with other values than it needs."""
    if not (read.uses or read.unscanned or read.pruning or read.is_index_only):
        raise ConfigError(
            f"{read.place}: nothing is expected of the query",
            "give one of uses, no-seq-scan, prunes, index-only",
        )
    if not read.tables:
        raise ConfigError(f"{read.place}: the query reads no table", _EXAMPLE)
    needed = _count_placeholders(read.query)
    given = read.parameters
    if given is not None and len(given) != needed:
        raise ConfigError(
            f"{read.place}: the query has {needed} placeholders, and {len(given)} parameters",
            "give a value for each of $1, $2, and so on",
        )
    if read.pruning is not None and needed and given is None:
        raise ConfigError(
            f"{read.place}: which partitions are pruned depends on the values of the placeholders",
            'give them: "parameters: [5]"',
        )


def _count_placeholders(query: str) -> int:
    numbers = _PLACEHOLDER.findall(_STRING.sub("", query))
    return max(map(int, numbers), default=0)


def _list_tables(query: str, place: str) -> Iterator[QualifiedName]:
    if len(split_statements(query)) != 1:
        raise ConfigError(f"{place}: expected one statement", "write an entry for each query")
    try:
        actions = read_actions(query)
    except SqlSyntaxError as error:
        raise ConfigError(
            f"{place}: the query does not parse: {error.message}", _EXAMPLE
        ) from error
    for action in actions:
        match action:
            case NoTableAction(kind="SELECT"):
                yield from action.reads
            case ChangeRows():
                yield action.table
                yield from action.reads
            case LockTable():
                yield action.table
            case _:
                raise ConfigError(
                    f"{place}: PostgreSQL plans no such statement",
                    "give a query, or a change of rows",
                )


def _names(words: _Names) -> tuple[QualifiedName, ...]:
    listed = (words,) if isinstance(words, str) else words
    return tuple(_name(word) for word in listed)


def _name(word: str) -> QualifiedName:
    schema, _, name = word.rpartition(".")
    return QualifiedName(schema or None, name)


def _prune(prunes: _Prunes | None, place: str) -> Pruning | None:
    if prunes is None:
        return None
    if (prunes.to is None) == (prunes.at_most is None):
        raise ConfigError(
            f'{place}: "prunes" says either "to" which partitions, or "at-most" how many',
            'for example: "prunes: {at-most: 1}"',
        )
    return Pruning(() if prunes.to is None else _names(prunes.to), prunes.at_most)


def _write(value: _Value) -> str | None:
    """Return a value as PostgreSQL reads it, whatever the type of the placeholder is."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
