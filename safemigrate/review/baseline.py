"""The findings that a schema had on the day the project began: known, and left out of reports."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from safemigrate.errors import ConfigError
from safemigrate.model.prose import as_clause
from safemigrate.review.asking import SchemaFinding

__all__ = ["KnownFindings", "decode_known", "encode_known"]

KnownFindings = frozenset[tuple[str, str, str]]
"""Of each finding the check, the object and the key."""

_VERSION = 1


class _Entry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    check: str
    object: str
    key: str = ""


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    """The file; the fields are the keys, in the order they are written."""

    version: int
    findings: tuple[_Entry, ...]


def encode_known(findings: Iterable[SchemaFinding]) -> str:
    """Return the findings as JSON, sorted, with a newline at the end."""
    identities = sorted({one.identity for one in findings})
    document = _Document(_VERSION, tuple(_Entry(*one) for one in identities))
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def decode_known(text: str, path: str) -> KnownFindings:
    """Return what the text lists; raises ConfigError, with `path`, when it is no such list."""
    hint = "write it anew with safemigrate review --write-baseline"
    try:
        read = msgspec.json.decode(text, type=_Document)
    except msgspec.DecodeError as error:
        reason = str(error).replace("`", "")
        raise ConfigError(
            f'"{path}" is not a baseline of a review: {as_clause(reason)}', hint
        ) from error
    if read.version != _VERSION:
        raise ConfigError(
            f'"{path}" is a baseline of version {read.version}, which is not known here', hint
        )
    return frozenset((one.check, one.object, one.key) for one in read.findings)
