"""Comments in a revision that accept a broken property, with a reason.

`# safemigrate: irreversible REASON` says that there is no way back; `# safemigrate:
accept[keeps-rows] REASON` accepts what breaks the properties named, several with commas. They
stand anywhere in the revision's file, each on one line.
"""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from safemigrate.model import Check, Property, Standing

__all__ = ["Marker", "accept", "find_markers", "judge_markers"]

_DIRECTIVE = re.compile(
    r"#\s*safemigrate:\s*(?:(?P<word>irreversible)\b|accept\s*(?:\[(?P<names>[^\]]*)\])?)"
    r"\s*(?P<reason>.*)"
)
_WORD = "safemigrate:"
_BY_NAME = {one.value: one for one in Property}
# Without a way back there is nothing to come back to, and nothing to compare.
_IRREVERSIBLE = (
    Property.HAS_DOWNGRADE,
    Property.RESTORES_SCHEMA,
    Property.APPLIES_AGAIN,
    Property.KEEPS_ROWS,
)


@dataclass(frozen=True, slots=True)
class Marker:
    """One comment: what it accepts, why, and on which line (1-based) it stands.

    `strangers`: names in it that no property has.
    """

    accepted: tuple[Property, ...]
    reason: str
    line: int
    strangers: tuple[str, ...] = ()


def find_markers(text: str) -> tuple[Marker, ...]:
    """Return the markers in the text of a revision, in order; never raises."""
    found: list[Marker] = []
    if _WORD not in text:
        return ()
    with suppress(tokenize.TokenError, SyntaxError, ValueError):
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            if token.type == tokenize.COMMENT:
                found += _read(token.string, token.start[0])
    return tuple(found)


def _read(comment: str, line: int) -> Iterator[Marker]:
    match = _DIRECTIVE.match(comment)
    if match is None:
        return
    reason = match["reason"].strip()
    if match["word"]:
        yield Marker(_IRREVERSIBLE, reason, line)
        return
    names = [name.strip() for name in (match["names"] or "").split(",") if name.strip()]
    yield Marker(
        tuple(_BY_NAME[name] for name in names if name in _BY_NAME),
        reason,
        line,
        tuple(name for name in names if name not in _BY_NAME),
    )


def judge_markers(markers: Iterable[Marker], path: str) -> Check:
    """Return the check of HONEST_MARKERS: each one names properties that there are, and why."""
    faults = [
        (marker.line, fault) for marker in markers if (fault := _find_fault(marker)) is not None
    ]
    if not faults:
        return Check(Property.HONEST_MARKERS, Standing.HOLDS)
    line, fault = faults[0]
    return Check(
        Property.HONEST_MARKERS,
        Standing.BROKEN,
        fault,
        tuple(f"line {at}: {other}" for at, other in faults[1:]),
        'write "# safemigrate: irreversible REASON" or "# safemigrate: accept[PROPERTY] REASON"; '
        '"safemigrate verify --properties" lists the properties',
        path,
        line,
    )


def _find_fault(marker: Marker) -> str | None:
    if marker.strangers:
        return f'a marker accepts "{marker.strangers[0]}", which is no property'
    if not marker.accepted:
        return "a marker accepts nothing: it names no property"
    return None if marker.reason else "a marker gives no reason"


def accept(check: Check, markers: Iterable[Marker]) -> Check:
    """Return the check, ACCEPTED where a marker with a reason accepts that it does not hold."""
    if check.standing not in {Standing.BROKEN, Standing.UNKNOWN}:
        return check
    for marker in markers:
        if check.subject in marker.accepted and marker.reason:
            why = f"{check.reason}; accepted: {marker.reason}"
            return replace(check, standing=Standing.ACCEPTED, reason=why)
    return check
