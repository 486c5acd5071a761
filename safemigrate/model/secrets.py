"""Text that may hold a password, made fit to be shown."""

import re

__all__ = ["hide_passwords", "hide_sql_passwords", "quote_sql"]

_MASK = "***"

# A password that holds an @ ends at the last one.
_IN_URL = re.compile(r"(://[^:/@\s]*:)\S*@")

# PGPASSWORD=x, DB_PASSWORD: x, {"password": "x"}, secret_key='x'. A value that is not quoted goes
# on to the next white space, and one whose quote is never closed to the end: hide too much rather
# than too little.
_NAMED = re.compile(
    r"""
    ( [\w-]* (?: passw(?:or)?d | passphrase | pwd | secret (?: [\w-]*key )? | token
               | api[_-]?key | credentials? )
      ["']? \s* (?: => | :?= | : ) \s*
    )
    (?: ''[^']+''
      | (?: [eE] | [uU]& )?
        (?P<quote> ["'] ) (?: \\. | (?!(?P=quote)). | (?P=quote){2} )* (?: (?P=quote) | $ )
      | \$ (?P<tag> \w* ) \$ .*? (?: \$ (?P=tag) \$ | $ )
      | [^\s"'] \S*
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def hide_passwords(text: str, known: str | None = None) -> str:
    """Return the text without what looks like a password, a token or another secret.

    In URLs, in connection strings, in SQL, and behind a name such as `PGPASSWORD=` or `"secret":`.
    `known`: the password in use, hidden wherever it stands.
    """
    if known:
        text = text.replace(known, _MASK)
    text = _NAMED.sub(rf"\1{_MASK}", _IN_URL.sub(rf"\1{_MASK}@", text))
    return hide_sql_passwords(text)


_BETWEEN = r"(?:\s|/\*.*?\*/|--[^\n]*\n)*"
# A literal may have lost its end, where a server or a report has cut the text:
# https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-CONSTANTS
_LITERAL = (
    r"(?:[eE]'(?:[^'\\]|\\.|'')*'?"
    r"|\\?(?:[uU]&)?'(?:[^']|'')*'?"
    r"|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z))"
)
# PASSWORD 'x' of a role, password 'x' of a user mapping, a column or an argument of that name
_IN_SQL = re.compile(
    rf"(password{_BETWEEN}(?:=>|:=|=)?{_BETWEEN}){_LITERAL}", re.IGNORECASE | re.DOTALL
)
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING, inside a literal
_QUOTED_IN_LITERAL = re.compile(r"(password\s*=\s*)''[^']+''", re.IGNORECASE)
_IN_LITERAL = re.compile(r"(password=)(?!')[^\s'\",;]+", re.IGNORECASE)
_URL_IN_LITERAL = re.compile(r"(://[^:/@\s'\"]*:)[^\s'\"]*@")


def hide_sql_passwords(sql: str) -> str:
    """Return the SQL without its passwords, everything else as it is.

    It may be a part of a statement, and stand in another language's string. What
    `hide_passwords` takes for a secret by its name alone, such as `token = x`, is code here.
    """
    if "://" not in sql and sql.isascii() and "password" not in sql.lower():
        return sql  # as each of the patterns would
    sql = _URL_IN_LITERAL.sub(rf"\1{_MASK}@", sql)
    sql = _QUOTED_IN_LITERAL.sub(rf"\1'{_MASK}'", sql)
    sql = _IN_SQL.sub(rf"\1'{_MASK}'", sql)
    return _IN_LITERAL.sub(rf"\1{_MASK}", sql)


def quote_sql(sql: str, width: int) -> str:
    """Return the SQL on one line of at most `width` characters, without its passwords."""
    # hidden before it is cut, for what is left of a password is one
    text = " ".join(hide_sql_passwords(sql).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
