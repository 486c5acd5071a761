"""Applied revisions that are not what they were then, as text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from safemigrate.execute import Standing
from safemigrate.plan import Change
from safemigrate.report.tone import Paint, Tone

__all__ = ["Edits", "format_edits", "list_edits"]


@dataclass(frozen=True, slots=True)
class Edits:
    """Ids of revisions: whose file means something else, or whose imports send other SQL."""

    edited: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()


def list_edits(changes: Mapping[str, Change]) -> Edits:
    """Return the revisions that have changed, in the order they are given in."""
    return Edits(
        tuple(name for name, change in changes.items() if change is Change.EDITED),
        tuple(name for name, change in changes.items() if change is Change.ELSEWHERE),
    )


def format_edits(edits: Edits, standing: Standing, paint: Paint) -> Iterator[str]:
    """Yield a line for each, and one where the role may not know."""
    warning = paint("warning", Tone.WARNING)
    for name in edits.edited:
        yield (
            f'{warning}: revision "{name}" was edited after it was applied; put the file back as '
            "it was, and write the change into a new revision"
        )
    for name in edits.elsewhere:
        yield (
            f'{warning}: revision "{name}" would send other SQL now than when it was applied, '
            "through what its file imports"
        )
    if standing.is_history_hidden:
        yield (
            f'{warning}: the role may not read the history, in the schema "safemigrate": what was '
            "left half done, edited or run last is not shown"
        )
