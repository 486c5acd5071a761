"""Text → statements with spans → actions, and quoting; the only user of the parser."""

from safemigrate.sql.comments import Comment, read_comments
from safemigrate.sql.parser import RawStatement, split_statements
from safemigrate.sql.psql import Skipped, blank_psql
from safemigrate.sql.quoting import quote_identifier, quote_literal, quote_name
from safemigrate.sql.statements import read_actions

__all__ = [
    "Comment",
    "RawStatement",
    "Skipped",
    "blank_psql",
    "quote_identifier",
    "quote_literal",
    "quote_name",
    "read_actions",
    "read_comments",
    "split_statements",
]
