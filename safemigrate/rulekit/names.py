"""The names that a migration gives to things, and whether they can be written without quotes."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    AddColumn,
    AddConstraint,
    ConstraintDefinition,
    CreateDomain,
    CreateEnum,
    CreateFunction,
    CreateIndex,
    CreatePolicy,
    CreateSchema,
    CreateSequence,
    CreateTable,
    CreateTrigger,
    CreateView,
    Event,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameSchema,
    RenameTable,
    RenameType,
)
from safemigrate.rulekit.context import Context, once_a_passage
from safemigrate.sql import read_actions
from safemigrate.sql.parser import read_tokens

__all__ = ["NewName", "find_whole_name", "is_plain_name", "is_reserved_name", "new_names"]


@dataclass(frozen=True, slots=True)
class NewName:
    """A name that something gets: `kind` as people call it; `offset` as in an action.

    `is_everyday`: queries name such things; those that only migrations name are not.
    """

    event: Event
    kind: str
    name: str
    offset: int
    is_everyday: bool = True


@once_a_passage
def new_names(context: Context) -> Iterator[NewName]:
    """Yield the names that the migration writes for what it makes or renames."""
    for event in context.index.list_events(tuple(_READERS)):
        for what, name, offset in _READERS[type(event.action)](event.action):
            yield NewName(event, what, name, offset, what not in _SELDOM)


# Kind, name, offset.
_Name = tuple[str, str, int]

_SELDOM = frozenset({"constraint", "index", "policy", "trigger"})


def _in_table(action: CreateTable) -> Iterator[_Name]:
    yield "table", action.table.name, action.offset
    # What stands at the columns of a partition is named by its parent.
    for column in action.columns if action.partition_of is None else ():
        yield "column", column.name, column.offset
        yield from _constraints(column.constraints)
    yield from _constraints(action.constraints)


def _at_column(action: AddColumn) -> Iterator[_Name]:
    yield "column", action.column.name, action.offset
    for constraint in action.column.constraints:
        if constraint.name is not None:
            yield "constraint", constraint.name, action.offset


def _constraints(constraints: tuple[ConstraintDefinition, ...]) -> Iterator[_Name]:
    for constraint in constraints:
        if constraint.name is not None:
            yield "constraint", constraint.name, constraint.offset


def _renamed(kind: str) -> Callable[[Any], Iterator[_Name]]:
    """Return what reads a renaming, of whichever kind."""
    return lambda action: iter([(kind, action.new_name, action.offset)])


def _one(kind: str, name: str | None, offset: int) -> Iterator[_Name]:
    if name is not None:
        yield kind, name, offset


# `Any`: each reader takes the kind of action that it stands for, which a mapping cannot say.
_READERS: Mapping[type[object], Callable[[Any], Iterator[_Name]]] = {
    AddColumn: _at_column,
    AddConstraint: lambda each: _one("constraint", each.constraint.name, each.offset),
    CreateDomain: lambda each: _one("type", each.domain.name, each.offset),
    CreateEnum: lambda each: _one("type", each.type.name, each.offset),
    CreateFunction: lambda each: _one("function", each.name.name, each.offset),
    CreateIndex: lambda each: _one("index", each.name, each.offset),
    CreatePolicy: lambda each: _one("policy", each.name, each.offset),
    CreateSchema: lambda each: _one("schema", each.name, each.offset),
    CreateSequence: lambda each: _one("sequence", each.sequence.name, each.offset),
    CreateTable: _in_table,
    CreateTrigger: lambda each: _one("trigger", each.name, each.offset),
    CreateView: lambda each: _one("view", each.view.name, each.offset),
    RenameColumn: _renamed("column"),
    RenameConstraint: _renamed("constraint"),
    RenameIndex: _renamed("index"),
    RenameSchema: _renamed("schema"),
    RenameTable: _renamed("table"),
    RenameType: _renamed("type"),
}

# Letters beyond ASCII need no quotes either (manual: "SQL Syntax", 4.1.1).
_PLAIN = re.compile(r"[^\x00-^`{-\x7f][^\x00-#%-/:-^`{-\x7f]*\Z")
_KEYWORD = re.compile(r"[a-z_]+\Z")


def is_plain_name(name: str) -> bool:
    """Return whether the name reads back the same without quotes, key words aside."""
    return _PLAIN.match(name) is not None


@cache
def is_reserved_name(name: str) -> bool:
    """Return whether it is a key word that no table and no column can be called without quotes.

    Manual: "SQL Key Words", those that are reserved and cannot be a column's name.
    """
    if _KEYWORD.match(name) is None:
        return False
    try:
        read_actions(f"DROP TABLE {name}")
    except SqlSyntaxError:
        return True
    return False


_LONGEST = 63  # bytes, NAMEDATALEN - 1
_WIDEST = 4  # bytes of one character in UTF-8


def find_whole_name(new: NewName) -> str | None:
    """Return the name as it is written where PostgreSQL cuts it, else None.

    The parser cuts names as the server does, so it is looked for in the statement's text.
    """
    if len(new.name.encode()) <= _LONGEST - _WIDEST:
        return None
    sql = new.event.statement.sql
    for token in read_tokens(sql):
        written = sql[token.start : token.end]
        if token.kind == "IDENT" and len(written.encode()) > _LONGEST:
            whole = written[1:-1].replace('""', '"') if written[0] == '"' else written.lower()
            if len(whole.encode()) > _LONGEST and whole.startswith(new.name):
                return whole
    return None
