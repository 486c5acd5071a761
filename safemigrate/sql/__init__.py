"""Text → statements with spans → actions, and quoting; the only user of the parser."""

from safemigrate.sql.parser import RawStatement, split_statements
from safemigrate.sql.quoting import quote_identifier, quote_literal, quote_name
from safemigrate.sql.statements import read_actions

__all__ = [
    "RawStatement",
    "quote_identifier",
    "quote_literal",
    "quote_name",
    "read_actions",
    "split_statements",
]
