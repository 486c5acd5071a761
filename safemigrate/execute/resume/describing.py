"""Statements in the words of a message."""

from safemigrate.journal import StatementRow
from safemigrate.model.secrets import hide_sql_passwords

__all__ = ["describe_statement"]

_LONGEST = 200


def describe_statement(statement: StatementRow | str) -> str:
    """Return the text of a statement on one line, cut short, without passwords."""
    sql = statement if isinstance(statement, str) else statement.sql
    line = " ".join(hide_sql_passwords(sql).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
