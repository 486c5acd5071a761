"""SQL and Alembic code out of definitions, for people to read and paste."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from safemigrate.model import (
    ColumnType,
    ConstraintDefinition,
    ConstraintKind,
    QualifiedName,
    Reference,
)
from safemigrate.sql import quote_identifier, quote_name

__all__ = [
    "alembic_call",
    "alembic_execute",
    "autocommit",
    "code_string",
    "constraint_sql",
    "deferral",
    "schema_argument",
    "sql_string",
    "two_revisions",
    "type_sql",
]


def alembic_call(function: str, *arguments: str) -> str:
    """Return `op.function(arguments)`, on one line where it fits in 88 columns."""
    line = f"op.{function}({', '.join(argument for argument in arguments if argument)})"
    if len(line) <= _WIDTH:
        return line
    inside = "".join(f"    {argument},\n" for argument in arguments if argument)
    return f"op.{function}(\n{inside})"


_WIDTH = 88


def alembic_execute(sql: str) -> str:
    """Return an `op.execute` of the SQL."""
    text = _escape_parameters(sql)
    is_awkward = bool(set(text) & set('"\n\\'))
    if '"""' in text or (not is_awkward and len(text) < _WIDTH):
        return f"op.execute({code_string(text)})"
    raw = "r" if "\\" in text else ""
    return f'op.execute(\n    {raw}"""\n{_indent(text)}\n    """\n)'


# What SQLAlchemy takes for a parameter in a text, by its own definition.
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w+(?!:))")


def _escape_parameters(sql: str) -> str:
    """Return the SQL so that SQLAlchemy, which reads a text for `:name`, sends it unchanged."""
    return _PARAMETER.sub(r"\\:", sql)


def sql_string(sql: str) -> str:
    """Return a piece of SQL as a string of Python, for what SQLAlchemy reads as a text."""
    return code_string(_escape_parameters(sql))


def autocommit(*calls: str) -> str:
    """Return the calls inside an autocommit block, so that they run outside a transaction."""
    body = "\n".join(_indent(call) for call in calls)
    return f"with op.get_context().autocommit_block():\n{body}"


def two_revisions(first: str, second: str) -> str:
    """Return two pieces of code, the second for a revision of its own."""
    return f"{first}\n\n# in the next revision, so that it has a transaction of its own:\n{second}"


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in text.splitlines())


def code_string(text: str) -> str:
    """Return `text` as a string of Python, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


# What format_type prints for a type that needs no quotes.
_PLAIN_TYPE = re.compile(r"[a-z_][a-z0-9_ ]*\Z")


def type_sql(type_: ColumnType) -> str:
    """Return a type as SQL, quoted where its name needs it."""
    name = type_.name if _PLAIN_TYPE.match(type_.name) else quote_identifier(type_.name)
    schema = None if type_.schema is None else quote_identifier(type_.schema)
    return str(replace(type_, name=name, schema=schema))


def schema_argument(name: QualifiedName, keyword: str = "schema") -> str:
    """Return `schema="…"` where the name has one, else nothing."""
    return "" if name.schema is None else f"{keyword}={code_string(name.schema)}"


def constraint_sql(constraint: ConstraintDefinition, name: str) -> str:
    """Return `CONSTRAINT name …` without NOT VALID and USING INDEX."""
    body = ""
    match constraint.kind:
        case ConstraintKind.CHECK:
            sql = "" if constraint.expression is None else constraint.expression.sql
            body = f"CHECK ({sql})" + (" NO INHERIT" if constraint.is_local else "")
        case ConstraintKind.FOREIGN_KEY:
            body = (
                f"FOREIGN KEY ({_columns(constraint.columns)}){_references(constraint.reference)}"
            )
        case ConstraintKind.PRIMARY_KEY | ConstraintKind.UNIQUE | ConstraintKind.EXCLUDE:
            nulls = " NULLS NOT DISTINCT" if constraint.is_nulls_not_distinct else ""
            body = f"{constraint.kind.value}{nulls} ({_columns(constraint.columns)})"
            if constraint.included:
                body += f" INCLUDE ({_columns(constraint.included)})"
        case ConstraintKind.NOT_NULL:
            body = f"NOT NULL {_columns(constraint.columns)}"
    return f"CONSTRAINT {quote_identifier(name)} {body}{deferral(constraint)}"


def deferral(constraint: ConstraintDefinition) -> str:
    """Return ` DEFERRABLE INITIALLY DEFERRED`, as far as the constraint is."""
    text = " DEFERRABLE" if constraint.is_deferrable else ""
    return text + (" INITIALLY DEFERRED" if constraint.is_deferred else "")


def _columns(columns: Sequence[str]) -> str:
    return ", ".join(quote_identifier(column) for column in columns)


def _references(reference: Reference | None) -> str:
    if reference is None:
        return ""
    text = f" REFERENCES {quote_name(reference.table)}"
    if reference.columns:
        text += f" ({_columns(reference.columns)})"
    if reference.is_match_full:
        text += " MATCH FULL"
    if reference.on_delete:
        text += f" ON DELETE {reference.on_delete}"
    if reference.on_delete_columns:
        text += f" ({_columns(reference.on_delete_columns)})"
    if reference.on_update:
        text += f" ON UPDATE {reference.on_update}"
    return text
