"""A form of the matrix: statements on a kind of table, what is predicted, and what was observed."""

import re
from dataclasses import dataclass
from enum import Enum
from functools import cache

from safemigrate.catalog import catalog_of_sql
from safemigrate.facts import walk
from safemigrate.model import (
    Catalog,
    Direction,
    ExplainedStatement,
    Facts,
    History,
    Lock,
    Migration,
    ObservedStatement,
    ServerVersion,
    Span,
    Statement,
)
from safemigrate.trace import compare
from tests.matrix.kinds import OLDEST, Kind, statements_before, statements_of

# What rows say, which no catalog shows: data that does not fit, or breaks a constraint.
_ABOUT_ROWS = ("22", "23")
_UNREAD = re.compile(r"scan of .*: predicted, not observed")


@dataclass(frozen=True, slots=True)
class Form:
    """Statements tried on a kind of table, in one transaction or each by itself.

    `since`: the first major whose server takes them.
    """

    kind: Kind
    script: tuple[str, ...]
    since: int = OLDEST
    is_in_transaction: bool = True

    def __str__(self) -> str:
        alone = "" if self.is_in_transaction else " alone"
        return f"{self.kind.value}{alone}: {'; '.join(self.script)}"

    @property
    def making(self) -> list[str]:
        """What the form's own transaction does first, to have the table."""
        return statements_of(self.kind) if self.kind.is_new else []


@cache
def catalog_before(kind: Kind) -> Catalog:
    """Return the schema before the transaction of a form."""
    return catalog_of_sql(";\n".join(statements_before(kind)), "table.sql")


def predict(form: Form, major: int) -> list[ExplainedStatement]:
    """Return what facts say of each statement of the script."""
    making = form.making
    statements = tuple(
        Statement(
            sql,
            "form.sql",
            Span(1, 1, 1, 1),
            None,
            Direction.UPGRADE,
            number,
            transaction=1 if form.is_in_transaction else None,
        )
        for number, sql in enumerate((*making, *form.script), start=1)
    )
    history = History((Migration("form.sql", "", upgrade=statements),))
    before = catalog_before(form.kind)
    timeline = walk(history, before=before, version=ServerVersion(major))
    return list(timeline.passages[0].statements[len(making) :])


class Refusal(Enum):
    """Why a server does not take a form."""

    PREDICTED = "as predicted"
    VERSION = "by an older version"
    ROWS = "because of rows"
    UNEXPECTED = "without having been predicted"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A form on one major: predicted against observed.

    `refusal`: why the server did not take it, which means nothing where it did.
    `differences`: what makes the form fail, none where all is as predicted.
    """

    is_accepted: bool
    refusal: Refusal
    statements: int
    differences: tuple[str, ...] = ()


def judge(form: Form, major: int, observed: tuple[ObservedStatement, ...]) -> Comparison:
    """Return how the prediction fares against what was observed on the major."""
    error = observed[-1].error
    if form.since > major:
        said = () if error else (f"{major} takes what is said to begin with {form.since}",)
        return Comparison(error is None, Refusal.VERSION, len(observed), said)
    predicted = predict(form, major)
    refusal = _find_refusal(error or "", predicted[len(observed) - 1].facts)
    if refusal is Refusal.ROWS:
        # The rows of the table do not fit; another table's might.
        observed = observed[:-1]
    differences = tuple(
        f"{line}\n  {one.statement.sql}\n  predicted: {describe(one.facts)}\n"
        f"  observed:  {describe_seen(seen)}"
        for one, seen in zip(predicted, observed, strict=False)
        for line in compare(one.facts, seen)
        if not _is_about_empty(form, line)
    )
    return Comparison(error is None, refusal, len(observed), differences)


def _find_refusal(error: str, predicted: Facts) -> Refusal:
    if predicted.errors and "syntax error" not in error:
        return Refusal.PREDICTED
    return Refusal.ROWS if error.startswith(_ABOUT_ROWS) else Refusal.UNEXPECTED


def _is_about_empty(form: Form, difference: str) -> bool:
    """Return whether it is that nothing is read where a table has no rows, unknown to facts."""
    return form.kind is Kind.EMPTY and bool(_UNREAD.match(difference))


def describe(facts: Facts) -> str:
    """Return the prediction in one line."""
    parts = [_locks(facts.locks), _names("rewrites", facts.rewrites), _names("scans", facts.scans)]
    parts += [f"errors {'; '.join(facts.errors)}" if facts.errors else "", facts.certainty.value]
    return ", ".join(part for part in parts if part)


def describe_seen(seen: ObservedStatement) -> str:
    """Return the observation in one line."""
    if seen.error is not None:
        return f"error {seen.error}"
    parts = [_locks(seen.locks), _names("rewrites", seen.rewrites), _names("scans", seen.scans)]
    return ", ".join(part for part in (*parts, seen.certainty.value) if part)


def _locks(locks: tuple[Lock, ...]) -> str:
    shown = (f"{lock.mode.value} on {lock.relation}" for lock in locks if lock.is_preexisting)
    return ", ".join(sorted(shown)) or "no lock"


def _names(what: str, names: tuple[object, ...]) -> str:
    return f"{what} {' '.join(sorted(map(str, names)))}" if names else ""
