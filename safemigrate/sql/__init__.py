"""Text → statements with spans → actions, and quoting; the only user of the parser."""

from safemigrate.sql.comments import Comment, read_comments
from safemigrate.sql.parameters import QueryShape, read_query
from safemigrate.sql.parser import RawStatement, split_statements
from safemigrate.sql.psql import Skipped, blank_psql, find_psql_variable
from safemigrate.sql.quoting import quote_identifier, quote_literal, quote_name
from safemigrate.sql.rewording import add_at_end, add_behind, find_semicolon, list_keywords
from safemigrate.sql.roles import NamedRoles, read_roles
from safemigrate.sql.statements import read_actions

__all__ = [
    "Comment",
    "NamedRoles",
    "QueryShape",
    "RawStatement",
    "Skipped",
    "add_at_end",
    "add_behind",
    "blank_psql",
    "find_psql_variable",
    "find_semicolon",
    "list_keywords",
    "quote_identifier",
    "quote_literal",
    "quote_name",
    "read_actions",
    "read_comments",
    "read_query",
    "read_roles",
    "split_statements",
]
