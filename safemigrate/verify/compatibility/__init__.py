"""Compatibility of a rolling deploy: what each release sends, on the schema of the other."""

from safemigrate.verify.compatibility.capture import (
    Capture,
    CapturedStatement,
    CapturedValue,
    decode_capture,
    encode_capture,
    merge_captures,
)
from safemigrate.verify.compatibility.comparing import Comparison, compare, find_stale
from safemigrate.verify.compatibility.constraints import NewCheck, list_new_checks
from safemigrate.verify.compatibility.placeholders import Style
from safemigrate.verify.compatibility.reading import read_statements
from safemigrate.verify.compatibility.statements import ReleaseStatement, Value
from safemigrate.verify.compatibility.trying import Releases, Trial, try_statements

__all__ = [
    "Capture",
    "CapturedStatement",
    "CapturedValue",
    "Comparison",
    "NewCheck",
    "ReleaseStatement",
    "Releases",
    "Style",
    "Trial",
    "Value",
    "compare",
    "decode_capture",
    "encode_capture",
    "find_stale",
    "list_new_checks",
    "merge_captures",
    "read_statements",
    "try_statements",
]
