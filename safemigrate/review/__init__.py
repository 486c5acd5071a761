"""The checks of a whole schema, on a live database or a throwaway one."""

from safemigrate.review.asking import SchemaFinding, find_new, review_schema
from safemigrate.review.baseline import KnownFindings, decode_known, encode_known
from safemigrate.review.checks import SchemaCategory, SchemaCheck, list_checks
from safemigrate.review.selection import choose_checks

__all__ = [
    "KnownFindings",
    "SchemaCategory",
    "SchemaCheck",
    "SchemaFinding",
    "choose_checks",
    "decode_known",
    "encode_known",
    "find_new",
    "list_checks",
    "review_schema",
]
