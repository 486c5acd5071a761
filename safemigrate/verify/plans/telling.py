"""What is said of a query that is planned otherwise than it is expected."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from safemigrate.model.secrets import quote_sql
from safemigrate.verify.attribution import SentStatement, find_sent
from safemigrate.verify.plans.expectations import Expectation
from safemigrate.verify.plans.looking import Look

__all__ = ["Verdict", "sum_up", "tell_doubt", "tell_held", "tell_refusal", "tell_shortfall"]

_STATISTICS = 'give production\'s: "pg_dump --statistics-only" of 18 writes what "statistics" takes'
_REPAIR = "make what the plan needs, or take the expectation out"
_SQL_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one query; `line`: of the revision's file."""

    reason: str
    details: tuple[str, ...] = ()
    advice: str = ""
    line: int = 1


def sum_up(verdicts: Sequence[Verdict]) -> str:
    """Return one line for all of them: the first reason, and how many more there are."""
    more = len(verdicts) - 1
    queries = "query" if more == 1 else "queries"
    return verdicts[0].reason + (f", and {more} more {queries}" if more else "")


def tell_held(looks: Mapping[Expectation, Look]) -> tuple[str, tuple[str, ...]]:
    """Return the reason and the details of a check that holds."""
    held = [(one, look) for one, look in looks.items() if look.has_held]
    if not held:
        return "no query of the file has to be planned anew after it", ()
    queries = "1 query is" if len(held) == 1 else f"{len(held)} queries are"
    lines = [f'"{one.name}": {"; ".join(_describe(look))}' for one, look in held]
    return f"{queries} planned as expected, judged on {held[0][1].ground}", tuple(lines)


def tell_refusal(one: Expectation, look: Look) -> Verdict:
    """Return what is said of a query that cannot be run after the last revision."""
    return Verdict(
        f'"{one.name}" cannot be run at head: {look.refusal}',
        (f"expected by {one.place}",),
        'change the query with the schema, or say "until" which revision it is expected',
    )


def tell_doubt(one: Expectation, look: Look) -> Verdict:
    """Return what is said of a query whose plan would prove nothing."""
    return Verdict(f'"{one.name}" cannot be judged, because {look.doubt}', advice=_STATISTICS)


def tell_shortfall(
    one: Expectation, look: Look, earlier: Look | None, sent: Iterable[SentStatement]
) -> Verdict:
    """Return what is said of a query that is planned otherwise than expected.

    `earlier`: how it was planned before the revision. `sent`: what the revision sends.
    """
    first, *rest = _describe(look) or ("",)
    details = [f"plan: {first}", *(f"      {line}" for line in rest)]
    reason = f'"{one.name}": {"; ".join(look.shortfalls)}'
    origin = f"expected by {one.place}, judged on {look.ground}"
    if earlier is not None and earlier.has_held:
        causes = find_sent(sent, (*one.uses, *one.tables))
        details.append(f"before: {'; '.join(_describe(earlier))}")
        details += [f"line {each.line}: {quote_sql(each.sql, _SQL_WIDTH)}" for each in causes]
        return Verdict(
            f"{reason} after this revision",
            (*details, origin),
            "keep what the plan needs, or change what is expected of it from here on",
            causes[0].line if causes else 1,
        )
    if look.is_possible:
        return Verdict(f"{reason} on {look.ground}, though it could be", (), _STATISTICS)
    if earlier is not None and earlier.shortfalls:
        reason += ", nor was it before this revision"
    return Verdict(reason, (*details, origin), _REPAIR)


def _describe(look: Look) -> tuple[str, ...]:
    return () if look.plan is None else look.plan.describe()
