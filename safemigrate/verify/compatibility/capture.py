"""The file that statements are captured into: what the application sent, and how often."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from safemigrate.errors import ConfigError
from safemigrate.model.prose import as_clause
from safemigrate.source.excerpt import show_path
from safemigrate.verify.compatibility.placeholders import Style

__all__ = [
    "Capture",
    "CapturedStatement",
    "CapturedValue",
    "decode_capture",
    "encode_capture",
    "merge_captures",
]

_MOST_EXAMPLES = 5


class CapturedValue(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was sent for a parameter: as PostgreSQL writes it, None for NULL.

    `type`: that which the driver declares, as pg_type names it; empty where it declares none.
    """

    value: str | None
    type: str = ""


class CapturedStatement(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A statement as the driver got it; `examples`: by the names, or positions, of parameters."""

    sql: str
    style: Style
    calls: Annotated[int, Meta(ge=1)] = 1
    examples: tuple[dict[str, CapturedValue], ...] = ()


class Capture(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that was captured, in the order it was first sent."""

    version: Literal[1]
    statements: tuple[CapturedStatement, ...]


def merge_captures(captures: list[Capture]) -> Capture:
    """Return one capture of all, each statement once, with a few examples that differ."""
    merged: dict[tuple[str, Style], CapturedStatement] = {}
    for one in (one for capture in captures for one in capture.statements):
        known = merged.get((one.sql, one.style))
        if known is None:
            known = CapturedStatement(one.sql, one.style, calls=one.calls)
        else:
            known = msgspec.structs.replace(known, calls=known.calls + one.calls)
        more = [example for example in one.examples if example not in known.examples]
        examples = (*known.examples, *more)[:_MOST_EXAMPLES]
        merged[one.sql, one.style] = msgspec.structs.replace(known, examples=examples)
    return Capture(1, tuple(merged.values()))


def encode_capture(capture: Capture) -> bytes:
    """Return the content of the file."""
    return msgspec.json.format(msgspec.json.encode(capture), indent=2) + b"\n"


def decode_capture(content: object, path: Path) -> Capture:
    """Return the capture that the JSON of a file is; a ConfigError says what is wrong with it."""
    try:
        return msgspec.convert(content, Capture)
    except msgspec.ValidationError as error:
        reason = str(error)
        raise ConfigError(
            f'"{show_path(path)}" is not a capture of statements: {as_clause(reason)}',
            "record it again: pytest --safemigrate-capture FILE",
        ) from error
