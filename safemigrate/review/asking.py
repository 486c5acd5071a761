"""The checks asked of a database, all by one query."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from safemigrate.catalog import Ask
from safemigrate.review.checks import SchemaCheck

__all__ = ["SchemaFinding", "find_new", "review_schema"]

_BEGIN = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    # Every name qualified. What shows an expression takes ACCESS SHARE on the table that it is of,
    # and would queue behind DDL.
    """
    SELECT set_config(name, value, true) FROM (VALUES
        ('jit', 'off'), ('lock_timeout', '2s'), ('quote_all_identifiers', 'off'),
        ('search_path', '')
    ) AS setting (name, value)
    """,
)


@dataclass(frozen=True, slots=True)
class SchemaFinding:
    """What a check finds wrong with one object.

    `object`: its name, with its schema. `detail`: one line that says what is wrong. `key`: tells
    it from other findings of that check on that object, whatever the figures are.
    `fix`: what to do, as code where the check knows it.
    """

    check: SchemaCheck
    object: str
    detail: str
    key: str
    fix: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What the same finding has in another state of the schema, too."""
        return self.check.name, self.object, self.key


def review_schema(
    ask: Ask, checks: Iterable[SchemaCheck], *, has_partitions: bool = False
) -> tuple[SchemaFinding, ...]:
    """Return what the checks find in the database that `ask` asks, as of one moment.

    In the order of the checks, and of the objects' names. Its session is outside a transaction,
    where it is again afterwards; nothing is changed. `has_partitions`: what they would find in each
    partition if it was a table by itself is found as well. Raises what `ask` raises, and the
    transaction is then left open.
    """
    asked = tuple(checks)
    if not asked:
        return ()
    for statement in _BEGIN:
        ask(statement)
    rows = ask(_compose(asked, has_partitions=has_partitions))
    ask("ROLLBACK")
    found = [_read(row, asked) for row in rows]
    places = {check.name: place for place, check in enumerate(asked)}
    return tuple(
        sorted(found, key=lambda one: (places[one.check.name], one.object, one.key, one.detail))
    )


def find_new(
    after: Iterable[SchemaFinding], before: Iterable[SchemaFinding]
) -> tuple[SchemaFinding, ...]:
    """Return the findings of the later state that the earlier one has not.

    What is gone elsewhere makes up for a new one of the same check and key: an object that has
    another name now is as it was.
    """
    later = tuple(after)
    known = {one.identity for one in before}
    gone = Counter((name, key) for name, _, key in known - {one.identity for one in later})
    new = []
    for one in later:
        kind = one.check.name, one.key
        if one.identity in known:
            continue
        if gone[kind]:
            gone[kind] -= 1
        else:
            new.append(one)
    return tuple(new)


def _compose(checks: Sequence[SchemaCheck], *, has_partitions: bool) -> str:
    parts = [
        f"SELECT {number}, object::text, detail::text, key::text, fix::text\n"
        f"FROM (\n{check.sql}\n) AS answer (object, detail, key, fix)"
        for number, check in enumerate(checks)
    ]
    scope = _scope().replace(":has_partitions", str(has_partitions).lower())
    return f"WITH {scope}\n" + "\nUNION ALL\n".join(parts)


def _read(row: Sequence[object], checks: Sequence[SchemaCheck]) -> SchemaFinding:
    number, name, detail, key, fix = row
    check = checks[int(str(number))]
    return SchemaFinding(check, str(name), str(detail), str(key), str(fix or check.fix))


@cache
def _scope() -> str:
    return (files("safemigrate.review") / "scope.sql").read_text("utf-8").strip()
