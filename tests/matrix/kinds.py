"""The kinds of table that a form of the matrix is tried on, and what there is before it runs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent

COLUMNS = (
    "id bigint NOT NULL, n int, m int NOT NULL, k int, u int, v varchar(20), w varchar(20),"
    " x varchar(20), y varchar(20), p bigint, o bigint, h bigint, d timestamp, z numeric(10, 2),"
    " e mood, g int GENERATED ALWAYS AS (n + 1) STORED, a anything, f int DEFAULT 7, j int"
)


class Kind(Enum):
    """What the table of a form is."""

    PLAIN = "plain"
    EMPTY = "empty"
    UNLOGGED = "unlogged"
    ELSEWHERE = "elsewhere"  # in another schema
    QUOTED = "quoted"
    PARTITIONED = "partitioned"
    DEFAULTED = "defaulted"  # partitioned, with a default partition
    PARTITION = "partition"
    PARENT = "parent"  # of a table that inherits from it
    CHILD = "child"
    NEW = "new"  # made in the transaction of the form
    TEMPORARY = "temporary"
    # These have a schema of their own, and forms that name its tables.
    BOUNDS = "bounds"
    PROOFS = "proofs"
    TYPES = "types"

    @property
    def table(self) -> str:
        """The name of the table, as SQL has it."""
        match self:
            case Kind.ELSEWHERE:
                return "app.t"
            case Kind.QUOTED:
                return '"Größe t"'
            case Kind.PARTITION:
                return "t_1"
            case Kind.CHILD:
                return "t_child"
            case _:
                return "t"

    @property
    def schema(self) -> str:
        """What stands before the name of an index of the table."""
        return "app." if self is Kind.ELSEWHERE else ""

    @property
    def is_new(self) -> bool:
        """Whether the transaction of the form makes the table."""
        return self in {Kind.NEW, Kind.TEMPORARY}

    @property
    def has_own_schema(self) -> bool:
        """Whether its forms name tables of a schema of their own."""
        return self in {Kind.BOUNDS, Kind.PROOFS, Kind.TYPES}


@dataclass(frozen=True, slots=True)
class Line:
    """A statement with its marks: the first major that takes it, and the kinds it is not for."""

    sql: str
    since: int
    unless: frozenset[str]

    def is_for(self, kind: Kind) -> bool:
        return kind.value not in self.unless

    def on(self, kind: Kind) -> str:
        """Return the statement with the names of the kind in it."""
        return self.sql.replace("{table}", kind.table).replace("{schema}", kind.schema)


OLDEST = 14
_MARKS = re.compile(r" -- (?:since: (?P<since>\d+) ?)?(?:(?P<how>not|only): (?P<kinds>[a-z ]+))?$")


@cache
def read_lines(name: str) -> tuple[Line, ...]:
    """Return the lines of a file beside this one."""
    return tuple(_read(name))


def _read(name: str) -> Iterator[Line]:
    for text in (HERE / name).read_text(encoding="utf-8").splitlines():
        if not text.strip() or text.startswith("--"):
            continue
        marks = _MARKS.search(text)
        if marks is None:
            yield Line(text, OLDEST, frozenset())
            continue
        kinds = frozenset((marks["kinds"] or "").split())
        every = {kind.value for kind in Kind}
        assert kinds <= every, text
        unless = frozenset(every - kinds) if marks["how"] == "only" else kinds
        yield Line(text[: marks.start()], int(marks["since"] or OLDEST), unless)


def statements_before(kind: Kind) -> list[str]:
    """Return what there is before the transaction of a form."""
    if kind is Kind.TYPES:
        return statements_for_types()
    if kind.has_own_schema:
        return [line.sql for line in read_lines(f"schemas/{kind.value}.sql")]
    there = [line.on(kind) for line in read_lines("schemas/table.sql")]
    return there if kind.is_new else [*there, *statements_of(kind)]


def statements_of(kind: Kind) -> list[str]:
    """Return what makes the table, and all that hangs on it."""
    body = read_lines("schemas/body.sql")
    return [*_tables(kind), *(line.on(kind) for line in body if line.is_for(kind))]


def _tables(kind: Kind) -> Iterator[str]:
    parts = f"CREATE TABLE t ({COLUMNS}) PARTITION BY RANGE (id)"
    match kind:
        case Kind.PARTITIONED | Kind.DEFAULTED | Kind.PARTITION:
            yield parts
            yield "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100)"
            yield "CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (100) TO (200)"
            if kind is Kind.DEFAULTED:
                yield "CREATE TABLE t_rest PARTITION OF t DEFAULT"
        case Kind.PARENT:
            yield f"CREATE TABLE t ({COLUMNS})"
            yield "CREATE TABLE t_child (own int) INHERITS (t)"
            yield "INSERT INTO t_child (id, m, k, u) SELECT n, n, n, n FROM generate_series(1, 9) n"
        case Kind.CHILD:
            yield f"CREATE TABLE t ({COLUMNS})"
            yield "CREATE TABLE t_child () INHERITS (t)"
        case Kind.UNLOGGED:
            yield f"CREATE UNLOGGED TABLE t ({COLUMNS})"
        case Kind.TEMPORARY:
            yield f"CREATE TEMPORARY TABLE t ({COLUMNS})"
        case Kind.BOUNDS | Kind.PROOFS | Kind.TYPES:
            return
        case Kind.PLAIN | Kind.EMPTY | Kind.ELSEWHERE | Kind.QUOTED | Kind.NEW:
            yield f"CREATE TABLE {kind.table} ({COLUMNS})"


# Types whose values change into one another by assignment, or by a cast that exists.
FAMILIES_OF_TYPES = (
    "smallint|integer|bigint|numeric|numeric(8,2)|numeric(12,2)|numeric(12,4)|real|float8",
    "text|varchar|varchar(10)|varchar(20)|char(10)|char(20)|name",
    "timestamp|timestamp(3)|timestamptz|timestamptz(3)|date",
    "time|time(0)|timetz",
    "time|interval|interval(0)",
    "bit(4)|bit(8)|varbit(4)|varbit(8)|varbit",
    "inet|cidr",
    "json|jsonb",
    "boolean|integer",
    "integer|oid|bigint",
    "numeric|money",
    "mood|text",
    "uuid|text",
    "bytea",
    "xml|text",
    "integer[]|bigint[]|smallint[]",
    "varchar(10)[]|varchar[]|text[]",
)


def changes_of_type() -> list[tuple[str, str]]:
    """Return every change of type within a family, each once."""
    pairs = {
        (old, new): None
        for family in FAMILIES_OF_TYPES
        for old in family.split("|")
        for new in family.split("|")
    }
    return list(pairs)


def column_of_type(name: str) -> str:
    """Return the name of the column that has the type."""
    return "c_" + re.sub(r"\W+", "_", name.replace("[]", "_array"))


def statements_for_types() -> list[str]:
    """Return a table with a column of each type; NULL in it casts to whatever there is."""
    names = {name for family in FAMILIES_OF_TYPES for name in family.split("|")}
    columns = ", ".join(f"{column_of_type(name)} {name}" for name in sorted(names))
    return [
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        f"CREATE TABLE typed (id bigint PRIMARY KEY, {columns})",
        "INSERT INTO typed (id) SELECT generate_series(1, 30)",
        "ANALYZE",
    ]
