"""Findings that no rule of ours makes, judged beside those that one does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from safemigrate.model import Finding, Span, Unjudged

__all__ = ["STYLE", "Further", "FurtherFinding", "is_style"]

STYLE = "style"
"""What a configuration calls all findings of style; the name of one has a code of sqlfluff's."""

_NAME = re.compile(rf"{STYLE}/\w+")


@dataclass(frozen=True, slots=True)
class FurtherFinding:
    """A finding, and the place at which an ignore comment for it is looked for."""

    finding: Finding
    anchor: Span


@dataclass(frozen=True, slots=True)
class Further:
    """What was found beside the rules: findings by `Migration.path`, and what could not be read."""

    findings: Mapping[str, tuple[FurtherFinding, ...]] = field(default_factory=dict)
    unjudged: tuple[Unjudged, ...] = ()


def is_style(name: str) -> bool:
    """Return whether that is how a finding of style is called."""
    return _NAME.fullmatch(name) is not None
