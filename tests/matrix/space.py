"""The space of forms: those listed in statements/, on each kind of table, and generated ones."""

from collections.abc import Iterator
from functools import cache

from tests.matrix.combining import combined_forms
from tests.matrix.forms import Form
from tests.matrix.kinds import Kind, Line, changes_of_type, column_of_type, read_lines

# Tables of which no fact is known that a plain or a new one does not have: each form is tried on
# one of them in turn.
ALIKE = [Kind.EMPTY, Kind.UNLOGGED, Kind.ELSEWHERE, Kind.QUOTED, Kind.TEMPORARY]
APART = [kind for kind in Kind if not kind.has_own_schema and kind not in ALIKE]
NULLABLE = ["free", "either", "positive", "unproven", "named", "parts_1", "parts_2"]
PROVEN = ["checked", "negated", "more", "uninherited", "twice", "known_parts_1"]
DECLARED = ["done", "made", "domained"]
PARENTS = ["parts", "known_parts", "half_done"]


@cache
def every_form() -> tuple[Form, ...]:
    """Return all forms, each once."""
    return tuple(dict.fromkeys(_forms()))


def _forms() -> Iterator[Form]:
    for kind in APART:
        yield from _listed("statements/tables.sql", kind)
    for number, line in enumerate(read_lines("statements/tables.sql")):
        kinds = [kind for kind in ALIKE if line.is_for(kind)]
        if kinds:
            kind = kinds[number % len(kinds)]
            yield Form(kind, _script(line, kind), line.since)
    for kind in (Kind.PLAIN, Kind.PARTITIONED):
        yield from _listed("statements/inside.sql", kind)
    for kind in (Kind.PLAIN, Kind.QUOTED, Kind.PARTITIONED):
        yield from _listed("statements/alone.sql", kind, is_in_transaction=False)
    yield from _listed("statements/alone_bounds.sql", Kind.BOUNDS, is_in_transaction=False)
    yield from _listed("statements/bounds.sql", Kind.BOUNDS)
    yield from _listed("statements/proofs.sql", Kind.PROOFS)
    yield from _proofs()
    yield from _types()
    yield from combined_forms()


def _listed(name: str, kind: Kind, *, is_in_transaction: bool = True) -> Iterator[Form]:
    for line in read_lines(name):
        if line.is_for(kind):
            yield Form(kind, _script(line, kind), line.since, is_in_transaction)


def _script(line: Line, kind: Kind) -> tuple[str, ...]:
    return tuple(line.on(kind).split("; "))


def _proofs() -> Iterator[Form]:
    for table in (*NULLABLE, *PROVEN, *DECLARED, *PARENTS):
        yield Form(Kind.PROOFS, (f"ALTER TABLE {table} ALTER COLUMN n SET NOT NULL",))
        yield Form(Kind.PROOFS, (f"ALTER TABLE {table} ADD CONSTRAINT z NOT NULL n",), since=18)
        if table not in PARENTS:
            yield Form(Kind.PROOFS, (f"ALTER TABLE {table} ADD PRIMARY KEY (n)",))


def _types() -> Iterator[Form]:
    for old, new in changes_of_type():
        column = column_of_type(old)
        change = f"ALTER TABLE typed ALTER COLUMN {column} TYPE {new}"
        yield Form(Kind.TYPES, (f"{change} USING {column}::{new}",))
        if old.startswith("timestamp"):
            for zone in ("UTC", "Europe/Oslo"):
                yield Form(Kind.TYPES, (f"SET LOCAL timezone = '{zone}'", change))
