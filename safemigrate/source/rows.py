"""Rows that no database gave: made up, so that code that needs one goes on."""

import datetime as dt
import decimal
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import types
from sqlalchemy.dialects.postgresql import DOMAIN, HSTORE, INET
from sqlalchemy.types import TypeEngine

from safemigrate.sql.queries import Output, OutputKind, Query

__all__ = ["MadeUpText", "make_key", "make_row", "make_value", "only_row"]


class MadeUpText(str):
    """A text that reads as a number, and that is equal to no text of the project's.

    So whatever is made of it is a change, as it mostly is with a real one: the ORM sends an UPDATE
    for `row.email = row.email.lower()`.
    """

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MadeUpText) and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


_TEXT = MadeUpText("1")

_NOON = dt.datetime(2000, 1, 1, 12, 0, 0)  # noqa: DTZ001 - as the server gives it for a timestamp without time zone
_UUID = uuid.UUID(int=1)

# By what a column is called, for one whose type is not known. In order.
_BY_NAME: tuple[tuple[re.Pattern[str], object], ...] = (
    (re.compile(r".*(?:uuid|guid)"), _UUID),
    (re.compile(r"(?:is|has|can)_.*|.*(?:enabled|active|exists)"), True),
    (re.compile(r".*_(?:at|time)|timestamp|created|updated"), _NOON),
    (re.compile(r".*_?date"), _NOON.date()),
    (
        re.compile(
            r".*(?:json|data|meta|metadata|config|settings|params|options|extra|attributes)"
        ),
        {},
    ),
    (re.compile(r"(?:.*_)?(?:tags|ids|list|items|roles)"), []),
    (re.compile(r"(?:.*_)?(?:id|count|number|size|length|max|min|sum|version|position)"), 1),
)


def _make_named_value(name: str) -> object:
    """Return a value for a column of an unknown type, which its name may tell."""
    for pattern, value in _BY_NAME:
        if pattern.fullmatch(name.lower()):
            return value.copy() if isinstance(value, (dict, list)) else value
    return _TEXT


def make_row(
    query: Query, names: Sequence[str], column_types: Sequence[TypeEngine[Any]]
) -> tuple[object, ...] | None:
    """Return a row, made up; None when it is not known how many columns it has.

    `names`: of its columns. `column_types`: theirs, where they are known.
    """
    if column_types:
        pairs = zip(column_types, names, strict=True)
        return tuple(make_value(type_, name) for type_, name in pairs)
    if len(query.outputs) != len(names):
        return None
    return tuple(map(_make_output, query.outputs))


def only_row(
    query: Query, names: Sequence[str], column_types: Sequence[TypeEngine[Any]]
) -> tuple[object, ...] | None:
    """Return the row that an empty table, or the session, gives to a query that has one."""
    if len(query.outputs) != len(names):
        # an INSERT of one row, or a query that is not read well enough
        return make_row(query, names, column_types) if column_types else None
    if all(output.kind is OutputKind.COLUMN for output in query.outputs):
        return make_row(query, names, column_types)
    return tuple(map(_empty_output, query.outputs))


def _make_output(output: Output) -> object:
    match output.kind:
        case OutputKind.CONSTANT:
            return output.value
        case OutputKind.COUNT:
            return 1
        case OutputKind.EXISTS:
            return not output.is_negated
        case OutputKind.RELATION if output.tests_null is not None:
            return not output.tests_null
        case _:
            return _SESSION.get(output.name, _make_named_value(output.name))


def _empty_output(output: Output) -> object:
    match output.kind:
        case OutputKind.CONSTANT:
            return output.value
        case OutputKind.COUNT:
            return 0
        case OutputKind.EXISTS:
            return output.is_negated
        case OutputKind.RELATION:
            return output.tests_null
        case OutputKind.OTHER if isinstance(output.value, (bool, int, str)):
            return output.value
        case _:
            return _SESSION.get(output.name)


# What functions give that are never NULL, by the names of their columns.
_SESSION: dict[str, object] = {
    "clock_timestamp": _NOON.replace(tzinfo=dt.UTC),
    "current_catalog": "postgres",
    "current_database": "postgres",
    "current_user": "postgres",
    "currval": 1,
    "gen_random_uuid": _UUID,
    "lastval": 1,
    "nextval": 1,
    "now": _NOON.replace(tzinfo=dt.UTC),
    "pg_backend_pid": 1,
    "session_user": "postgres",
    "txid_current": 1,
    "uuid_generate_v4": _UUID,
}


def make_key(number: int, type_: TypeEngine[Any]) -> object:
    """Return a value for a generated column: a key when it can be one, else NULL."""
    try:
        kind = type_.python_type
    except NotImplementedError:
        return None
    if kind is int:
        return number
    if kind is str:
        return str(number)
    return uuid.UUID(int=number) if kind is uuid.UUID else None


def make_value(type_: TypeEngine[Any], name: str) -> object:
    """Return a value of that type, as a driver gives it before SQLAlchemy reads it.

    `name`: of the column.
    """
    # what stands under a type of the project's own, whose methods then read it
    plain: Any = type_
    while isinstance(plain, types.TypeDecorator) and not isinstance(plain, types.Interval):
        plain = plain.impl_instance
    if isinstance(plain, DOMAIN):
        return make_value(plain.data_type, name)
    for kind, make in _BY_TYPE:
        if isinstance(plain, kind):
            return make(plain)
    return _make_named_value(name)


def _enum(type_: types.Enum) -> object:
    return type_.enums[0] if type_.enums else ""


def _uuid(type_: Any) -> object:
    return _UUID if type_.as_uuid else str(_UUID)


def _moment(type_: types.DateTime) -> object:
    return _NOON.replace(tzinfo=dt.UTC) if type_.timezone else _NOON


def _decimal(type_: Any) -> object:
    return decimal.Decimal(1) if type_.asdecimal else 1.0


_BY_TYPE: tuple[tuple[type[TypeEngine[Any]], Callable[[Any], object]], ...] = (
    (types.Enum, _enum),
    (types.Boolean, lambda _: True),
    (types.Integer, lambda _: 1),
    (types.Float, lambda type_: decimal.Decimal(1) if type_.asdecimal else 1.0),
    (types.Numeric, _decimal),
    (types.Uuid, _uuid),
    (types.DateTime, _moment),
    (types.Date, lambda _: _NOON.date()),
    (types.Time, lambda _: _NOON.time()),
    (types.Interval, lambda _: dt.timedelta(1)),
    (types.LargeBinary, lambda _: b"1"),
    (types.JSON, lambda _: "{}"),
    (HSTORE, lambda _: ""),
    (INET, lambda _: "127.0.0.1"),
    (types.ARRAY, lambda _: []),
    (types.String, lambda _: _TEXT),
)
