"""Whether locks, rewrites and scans are those that `explain` foresees."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safemigrate.model import (
    Certainty,
    Check,
    Direction,
    LockMode,
    ObservedStatement,
    Property,
    QualifiedName,
    blocked_commands,
)
from safemigrate.trace import Departure, Matter, find_departures
from safemigrate.trace.commands import is_planned, runs_body
from safemigrate.verify.experiments.facts_matching import Pair, pair_statements, quote_statement
from safemigrate.verify.experiments.facts_observing import Observation, qualify_fallback
from safemigrate.verify.stage import Stage

__all__ = ["judge_foresight"]

# Of a statement that is said to be refused nothing else is compared.
_MATTERS = {
    Property.FORESEEN_LOCKS: (Matter.LOCK, Matter.REFUSAL),
    Property.FORESEEN_REWRITES: (Matter.REWRITE,),
    Property.FORESEEN_SCANS: (Matter.SCAN,),
}
_BUG = "this is a bug of safemigrate, please report it with the statement"
_WRITE_IT_OUT = "write the statement out, so that lint, explain and the reviewer see what it does"


@dataclass(frozen=True, slots=True)
class _Surprise:
    """Something that was not foreseen; `text` says what, in one line."""

    pair: Pair
    text: str
    is_bug: bool
    is_harmful: bool

    @property
    def line(self) -> int:
        return self.pair.observed.line


def judge_foresight(stage: Stage, observation: Observation) -> Iterator[Check]:
    """Yield a check for the locks, one for the rewrites and one for the scans, both ways."""
    pairs = [
        pair
        for direction in Direction
        for pair in pair_statements(stage, observation.of(direction), direction)
    ]
    for proved, matters in _MATTERS.items():
        surprises = [
            surprise
            for pair in pairs
            if not pair.is_replayed(stage.choices.deployed_by)
            for matter in matters
            for surprise in _find_surprises(pair, matter, observation)
        ]
        check = _judge(stage, proved, surprises)
        is_blind = proved is Property.FORESEEN_SCANS and any(one.may_read_rows for one in pairs)
        yield qualify_fallback(stage, check, observation) if is_blind else check


def _judge(stage: Stage, proved: Property, surprises: Sequence[_Surprise]) -> Check:
    harmful = [one for one in surprises if one.is_harmful]
    if not harmful:
        return stage.holds(proved, details=map(_describe, surprises))
    worst = harmful[0]
    return stage.broken(
        proved,
        worst.text,
        map(_describe, surprises),
        advice="" if worst.is_bug else _WRITE_IT_OUT,
        line=worst.line,
    )


def _describe(surprise: _Surprise) -> str:
    observed = surprise.pair.observed
    return f"{quote_statement(observed)}: {surprise.text}"


def _find_surprises(pair: Pair, matter: Matter, observation: Observation) -> Iterator[_Surprise]:
    departures = [one for one in find_departures(pair.facts, pair.observed) if one.matter is matter]
    if matter is Matter.SCAN and pair.doubt:
        departures += _find_scans_of_bodies(pair, departures)
    for one in departures:
        if one.matter is Matter.REFUSAL:
            yield _judge_refusal(pair)
        elif one.is_more:
            yield _judge_more(pair, one)
        elif pair.facts.certainty is Certainty.KNOWN and _is_sure_of_less(one, observation):
            text = f"{_foretell(one)}, {_tell_less(one)}: {_BUG}"
            yield _Surprise(pair, text, is_bug=True, is_harmful=False)


def _judge_more(pair: Pair, departure: Departure) -> _Surprise:
    if pair.doubt:
        text = f"{_tell(departure, pair.observed)}, and nobody could have known: {pair.doubt}"
        return _Surprise(pair, text, is_bug=False, is_harmful=_is_felt(departure))
    if _comes_in_passing(pair, departure):
        text = f"{_tell(departure, pair.observed)} by a trigger, a cascade or a function"
        return _Surprise(pair, text, is_bug=False, is_harmful=False)
    seen = _tell(departure, pair.observed).removesuffix(f" on {departure.relation}")
    text = f"{_foretell(departure)}, {seen}: {_BUG}"
    return _Surprise(pair, text, is_bug=True, is_harmful=True)


def _judge_refusal(pair: Pair) -> _Surprise:
    """Return what to say of a statement that the server was said to refuse, and took."""
    text = f"explain says that the server refuses it ({'; '.join(pair.facts.errors)}), it does not"
    if pair.doubt:
        return _Surprise(pair, f"{text}: {pair.doubt}", is_bug=False, is_harmful=False)
    return _Surprise(pair, f"{text}: {_BUG}", is_bug=True, is_harmful=True)


def _is_felt(departure: Departure) -> bool:
    """Return whether anybody has to wait for it: a weak lock lets the application work."""
    return departure.observed is None or bool(blocked_commands(departure.observed))


def _comes_in_passing(pair: Pair, departure: Departure) -> bool:
    """Return whether it is what the triggers of changed rows, or a function's queries, lock.

    They are no part of the text; what they take lets others read and write.
    """
    if departure.matter is not Matter.LOCK or _is_felt(departure):
        return False
    return is_planned(pair.observed.sql) or runs_body(pair.observed.sql)


def _is_sure_of_less(departure: Departure, observation: Observation) -> bool:
    """Return whether it is worth a word that the server did less than was foreseen.

    An empty table is not scanned for the rows that a foreign key looks for.
    """
    if departure.matter is Matter.LOCK:
        return True
    return departure.relation is not None and observation.rows.get(departure.relation, 0) > 0


def _find_scans_of_bodies(pair: Pair, known: Sequence[Departure]) -> list[Departure]:
    """Return the scans in a body that no query made, for queries leave the table to others.

    A scan by a query is the planner's choice, and goes with the lock that queries take.
    """
    observed = pair.observed
    if not (runs_body(observed.sql) or is_planned(observed.sql)):
        return []
    named = {one.relation for one in known}
    expected = {*pair.facts.scans, *pair.facts.rewrites, *observed.rewrites}
    return [
        Departure(Matter.SCAN, is_more=True, text="", relation=name)
        for name in observed.scans
        if name not in named
        and name not in expected
        and _find_mode(observed, name) > LockMode.ROW_EXCLUSIVE
    ]


def _find_mode(observed: ObservedStatement, name: QualifiedName) -> LockMode:
    modes = [lock.mode for lock in (*observed.locks, *observed.held) if lock.relation == name]
    return max(modes, default=LockMode.ACCESS_SHARE)


def _foretell(departure: Departure) -> str:
    match departure.matter:
        case Matter.LOCK:
            mode = "no lock" if departure.predicted is None else departure.predicted.value
            return f"explain says {mode} on {departure.relation}"
        case Matter.REWRITE | Matter.SCAN:
            what = "no " if departure.is_more else "a "
            return f"explain says {what}{departure.matter.value} of {departure.relation}"
        case Matter.REFUSAL:
            return departure.text


def _tell(departure: Departure, observed: ObservedStatement) -> str:
    match departure.matter:
        case Matter.LOCK:
            mode = "no lock" if departure.observed is None else departure.observed.value
            return f"the server took {mode} on {departure.relation}"
        case Matter.REWRITE:
            reasons = [
                one.reason for one in observed.rewrite_reasons if one.table == departure.relation
            ]
            why = f" ({', '.join(reasons)})" if reasons else ""
            return f"the server wrote {departure.relation} anew{why}"
        case Matter.SCAN:
            read = [one.read for one in observed.rows if one.table == departure.relation]
            count = f" ({read[0]} rows)" if read else ""
            return f"the server read {departure.relation} from end to end{count}"
        case Matter.REFUSAL:
            return departure.text


def _tell_less(departure: Departure) -> str:
    if departure.matter is not Matter.LOCK:
        return "the server did without"
    return f"the server took {departure.observed.value if departure.observed else 'none'}"
