"""Each statement that was seen, beside what `explain` says of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from safemigrate.config import Deployer
from safemigrate.model import (
    Certainty,
    Direction,
    ExplainedStatement,
    Facts,
    ObservedStatement,
    Passage,
)
from safemigrate.model.secrets import quote_sql
from safemigrate.plan import Foresight
from safemigrate.trace import find_departures
from safemigrate.trace.commands import is_planned, runs_body
from safemigrate.verify.replaying import is_build
from safemigrate.verify.stage import Stage

__all__ = ["Pair", "pair_statements", "quote_statement"]

_SHOWN_WIDTH = 100

_NOTHING = Facts(certainty=Certainty.UNKNOWN)
_BLIND = "explain does not know the schema by then, for what came before could not all be read"


@dataclass(frozen=True, slots=True)
class Pair:
    """A statement that was seen, and what was foreseen of it.

    `doubt`: why `explain` could not be sure, in words; empty where it was.
    """

    observed: ObservedStatement
    facts: Facts
    doubt: str = ""

    @property
    def may_read_rows(self) -> bool:
        """Whether it was seen or is foreseen to go through a table, or may do so unforeseen."""
        observed, facts = self.observed, self.facts
        return bool(
            self.doubt or observed.scans or observed.rewrites or facts.scans or facts.rewrites
        ) or (is_planned(observed.sql) or runs_body(observed.sql))

    def is_replayed(self, deployer: Deployer) -> bool:
        """Return whether an index was made at once here, which the runner makes bit by bit.

        The server refuses to make it so, and took the statement all the same.
        """
        is_outside_build = self.observed.transaction is None and is_build(self.observed.sql)
        is_refused = self.observed.error is None and bool(self.facts.errors)
        return deployer is Deployer.SAFEMIGRATE and is_outside_build and is_refused


def pair_statements(
    stage: Stage, statements: Iterable[ObservedStatement], direction: Direction
) -> Iterator[Pair]:
    """Yield the statements of one direction, in their order, with what was foreseen of each."""
    passage = stage.foreseen(direction)
    if passage is None:
        reason = stage.foreknowledge.unjudged.get(stage.revision, "it could not be recorded")
        doubt = f"explain cannot read the revision: {reason}"
        yield from (Pair(one, _NOTHING, doubt) for one in statements)
        return
    foresight = Foresight(passage)
    is_blind = not passage.before.is_complete
    for one in statements:
        is_autocommit = one.transaction is None
        # What a loop sends again was recorded once, and may lie behind.
        for following in (foresight, Foresight(passage)):
            foreseen = following.look(one.sql, is_autocommit=is_autocommit)
            if foreseen.is_expected:
                pair = Pair(one, foreseen.facts, _doubt(foreseen.statements, foreseen.facts))
                break
        else:
            pair = _pair_by_line(one, passage)
        yield replace(pair, doubt=_BLIND) if is_blind and not pair.doubt else pair
        # what it may have changed unseen, every statement after it may meet
        is_blind = is_blind or pair.facts.certainty is Certainty.UNKNOWN


def _pair_by_line(observed: ObservedStatement, passage: Passage) -> Pair:
    """Pair a text that was not recorded with one of the same call that foresees all it does.

    A text with a moment, a number or a name in it that was made up in the run is another one each
    time.
    """
    for one in passage.statements:
        is_same_call = one.statement.span.line == observed.line and bool(observed.path)
        if is_same_call and not any(
            departure.is_more for departure in find_departures(one.facts, observed)
        ):
            return Pair(observed, one.facts, _doubt((one,), one.facts))
    reasons = [entry.reason for entry in passage.migration.unjudged]
    reasons += [entry.reason for entry in passage.migration.assumptions]
    why = f": {reasons[0]}" if reasons else ", which depends on what the database answers"
    return Pair(observed, _NOTHING, f"explain does not see the statement{why}")


def _doubt(statements: Iterable[ExplainedStatement], facts: Facts) -> str:
    for one in statements:
        if one.syntax_error:
            return f"explain cannot read the statement: {one.syntax_error}"
        for event in one.events:
            if event.gap:
                return f"explain cannot know what it does: {event.gap}"
    match facts.certainty:
        case Certainty.KNOWN:
            return ""
        case Certainty.ASSUMED:
            return "explain could only assume it"
        case Certainty.UNKNOWN:
            return "explain cannot know what it does"


def quote_statement(observed: ObservedStatement) -> str:
    """Return direction, line and text of a statement, in one line and without passwords."""
    text = quote_sql(observed.sql, _SHOWN_WIDTH)
    return f"{observed.direction.value}, line {observed.line}: {text}"
