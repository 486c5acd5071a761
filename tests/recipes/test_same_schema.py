"""A remedy leads to the schema that the statement it replaces would have led to."""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, indent

import pytest
from alembic import command
from alembic.config import Config

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.errors import SafemigrateError
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import (
    Direction,
    Finding,
    History,
    Migration,
    Remedy,
    ServerVersion,
    Span,
    Statement,
)
from safemigrate.server import Server
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries
from safemigrate.sql import split_statements
from safemigrate.trace import open_connection

SCHEMA = """
CREATE SCHEMA "The Kitchen";
CREATE SEQUENCE "The Kitchen"."Some Numbers";
CREATE TABLE cook (id bigint PRIMARY KEY, code text UNIQUE, "Half %" int, UNIQUE (id, code));
CREATE TABLE "The Kitchen"."Recipe Book" (
    "The Id" bigint NOT NULL,
    "Full Name" text,
    "Cook Id" bigint,
    "Half %" int,
    slug varchar(80),
    "with:colon" text,
    "order" int
);
CREATE UNIQUE INDEX "By Order" ON "The Kitchen"."Recipe Book" ("order");
CREATE TABLE keyed (a int, b text, c text, PRIMARY KEY (a, b));
CREATE TABLE meal (id bigint, at date, cook bigint) PARTITION BY RANGE (at);
CREATE TABLE "meal 2024" PARTITION OF meal FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE meal_later PARTITION OF meal DEFAULT PARTITION BY LIST (id);
CREATE TABLE meal_rest PARTITION OF meal_later DEFAULT;
INSERT INTO cook SELECT n, n, n FROM generate_series(1, 30) AS n;
INSERT INTO "The Kitchen"."Recipe Book" SELECT n, n, n, n, n, n, n FROM generate_series(1, 30) AS n;
INSERT INTO keyed SELECT n / 3, n, n FROM generate_series(1, 2500) AS n;
INSERT INTO meal SELECT n, '2024-06-01', n FROM generate_series(1, 30) AS n;
INSERT INTO meal SELECT n, '2026-06-01', n FROM generate_series(1, 30) AS n;
"""

BOOK = '"The Kitchen"."Recipe Book"'

# The rule that finds it, and the statement; book stands for BOOK.
STATEMENTS = [
    ("non-concurrent-index", 'CREATE INDEX ON book ("Full Name")'),
    ("non-concurrent-index", 'CREATE UNIQUE INDEX "An Index" ON book (lower("Full Name") DESC)'),
    (
        "non-concurrent-index",
        (
            "CREATE INDEX with_all ON book USING btree "
            '("Full Name" COLLATE "C" text_pattern_ops DESC NULLS LAST, ("Half %" % 7)) '
            'INCLUDE ("order", slug) WITH (fillfactor = 70, deduplicate_items = off) '
            """WHERE "with:colon" <> 'x:y' AND slug LIKE '5%'"""
        ),
    ),
    ("non-concurrent-index", 'CREATE UNIQUE INDEX ON book ("order") NULLS NOT DISTINCT'),
    ("non-concurrent-index", "CREATE INDEX hashed ON book USING hash (slug)"),
    ("non-concurrent-index", "CREATE UNIQUE INDEX meal_idx ON meal (id, at) INCLUDE (cook)"),
    ("non-concurrent-index", "CREATE INDEX ON meal ((id + 1))"),
    ("non-concurrent-drop-index", 'DROP INDEX "The Kitchen"."By Order"'),
    ("set-not-null-scan", 'ALTER TABLE book ALTER COLUMN "Half %" SET NOT NULL'),
    ("set-not-null-scan", "ALTER TABLE meal ALTER cook SET NOT NULL"),
    (
        "validated-foreign-key",
        (
            'ALTER TABLE book ADD CONSTRAINT "The FK" FOREIGN KEY ("Cook Id") REFERENCES cook '
            "ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED"
        ),
    ),
    (
        "validated-foreign-key",
        (
            'ALTER TABLE book ADD FOREIGN KEY ("Cook Id", "Full Name") REFERENCES cook (id, code) '
            "MATCH FULL"
        ),
    ),
    (
        "validated-foreign-key",
        (
            'ALTER TABLE book ADD FOREIGN KEY ("Cook Id", slug) REFERENCES cook (id, code) '
            "ON DELETE SET NULL (slug)"
        ),
    ),
    ("validated-foreign-key", "ALTER TABLE meal ADD FOREIGN KEY (cook) REFERENCES cook (id)"),
    (
        "validated-foreign-key",
        (
            'ALTER TABLE book ADD COLUMN "New Cook" bigint NOT NULL DEFAULT 3 '
            "REFERENCES cook ON DELETE CASCADE"
        ),
    ),
    ("validated-check", 'ALTER TABLE book ADD CHECK ("Half %" % 100 = "order" % 100)'),
    (
        "validated-check",
        """ALTER TABLE book ADD CONSTRAINT "It's" CHECK ("with:colon" <> 'a:b"\\c') NO INHERIT""",
    ),
    (
        "validated-check",
        """ALTER TABLE book ADD CHECK ("with:colon" <> 'a:b\\c' OR slug ~ '%')""",
    ),
    ("validated-check", "ALTER TABLE meal ADD CONSTRAINT positive CHECK (id > 0)"),
    ("validated-check", 'ALTER TABLE book ADD CONSTRAINT "Is There" NOT NULL "with:colon"'),
    (
        "validated-check",
        "ALTER TABLE book ADD COLUMN n int DEFAULT 1 CHECK (n > 0) CHECK (n < 9)",
    ),
    ("unique-constraint-build", 'ALTER TABLE book ADD UNIQUE ("Full Name", slug)'),
    (
        "unique-constraint-build",
        (
            'ALTER TABLE book ADD CONSTRAINT "Only One" UNIQUE NULLS NOT DISTINCT ("order") '
            'INCLUDE ("Half %") DEFERRABLE INITIALLY DEFERRED'
        ),
    ),
    ("unique-constraint-build", 'ALTER TABLE book ADD UNIQUE ("order") INCLUDE (slug)'),
    ("unique-constraint-build", 'ALTER TABLE book ADD COLUMN "New One" text UNIQUE'),
    ("unique-constraint-build", "ALTER TABLE meal ADD CONSTRAINT meal_one UNIQUE (id, at)"),
    ("primary-key-build", 'ALTER TABLE book ADD PRIMARY KEY ("The Id")'),
    ("primary-key-build", 'ALTER TABLE book ADD CONSTRAINT pk PRIMARY KEY (slug, "order")'),
    ("primary-key-build", 'ALTER TABLE book ADD PRIMARY KEY USING INDEX "By Order"'),
    ("primary-key-build", "ALTER TABLE meal ADD PRIMARY KEY (at, id)"),
    ("primary-key-build", 'ALTER TABLE book ADD COLUMN "New Id" bigserial PRIMARY KEY'),
    ("required-column-without-default", 'ALTER TABLE keyed ADD COLUMN "New One" date NOT NULL'),
    (
        "volatile-default-rewrite",
        'ALTER TABLE book ADD COLUMN "A Token" uuid NOT NULL DEFAULT gen_random_uuid()',
    ),
    ("volatile-default-rewrite", "ALTER TABLE keyed ADD d numeric(8,2) DEFAULT random() * 100"),
    (
        "volatile-default-rewrite",
        (
            'ALTER TABLE book ADD "N%" text COLLATE "C" '
            """DEFAULT 'a:b%' || nextval('"The Kitchen"."Some Numbers"')"""
        ),
    ),
    ("volatile-default-rewrite", "ALTER TABLE keyed ADD COLUMN number serial"),
    (
        "volatile-default-rewrite",
        'ALTER TABLE book ADD "The Number" int GENERATED BY DEFAULT AS IDENTITY',
    ),
    ("volatile-default-rewrite", "ALTER TABLE meal ADD token uuid DEFAULT gen_random_uuid()"),
]

NOW = re.compile(r"^# in the next revision, .*:$", flags=re.MULTILINE)

ENV = """\
from alembic import context
from sqlalchemy import NullPool, create_engine
engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""


@pytest.fixture(scope="module")
def template(embedded_server: Server) -> str:
    """A database with SCHEMA in it, to be cloned."""
    name = embedded_server.create_database()
    run(embedded_server.url(name), SCHEMA)
    return name


@pytest.fixture
def clones(template: str, embedded_server: Server) -> Iterator[tuple[str, str]]:
    """The URLs of two databases with SCHEMA in them."""
    names = [embedded_server.create_database(template=template) for _ in range(2)]
    yield embedded_server.url(names[0]), embedded_server.url(names[1])
    for name in names:
        embedded_server.drop_database(name)


def run(url: str, sql: str) -> None:
    """Run the statements one by one, each in a transaction of its own unless they begin one."""
    with open_connection(url) as connection:
        for statement in split_statements(sql):
            connection.execute(statement.sql.encode())


def run_revisions(url: str, code: str, folder: Path) -> None:
    """Run the code as Alembic would: what stands behind "in the next revision" in the next."""
    (folder / "versions").mkdir()
    (folder / "env.py").write_text(ENV, encoding="utf-8")
    previous: str | None = None
    for number, piece in enumerate(NOW.split(code)):
        name = f"{number:04}"
        body = (
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision = {name!r}\ndown_revision = {previous!r}\n"
            f"def upgrade():\n{indent(dedent(piece).strip(), '    ')}\n"
        )
        (folder / "versions" / f"{name}.py").write_text(body, encoding="utf-8")
        previous = name
    config = Config(attributes={"url": url})
    config.set_main_option("script_location", str(folder))
    command.upgrade(config, "head")
    run(url, "DROP TABLE alembic_version")


def spelt(sql: str) -> str:
    """Return the statement with the table's own awkward name."""
    return sql.replace(" book ", f" {BOOK} ")


def find(rule: str, sql: str, version: ServerVersion) -> Remedy:
    """Return the remedy of the rule's finding about the statement."""
    sql = spelt(sql)
    statement = Statement(sql, "a.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, 1, 1)
    history = History((Migration("a.sql", sql, upgrade=(statement,)),))
    timeline = walk(history, before=catalog_of_sql(SCHEMA, "schema.sql"), version=version)
    found: list[Finding] = [
        finding
        for finding in judge(timeline, settings=RuleSettings()).findings
        if finding.rule == rule
    ]
    remedy = found[0].remedy
    assert remedy is not None
    return remedy


# What a partition's own objects are called is PostgreSQL's choice, not the statement's.
QUERIES = {
    "columns": """
        SELECT attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
            attidentity, attcollation::regcollation, pg_get_expr(adbin, adrelid),
            pg_get_serial_sequence(attrelid::regclass::text, attname)
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace IN ('public'::regnamespace, '"The Kitchen"'::regnamespace)
        AND relkind IN ('r', 'p') AND attnum > 0
    """,
    "constraints": """
        SELECT conrelid::regclass, CASE WHEN NOT relispartition THEN conname END,
            pg_get_constraintdef(c.oid), convalidated, relispartition OR conislocal, coninhcount,
            contype = 'c' AND connoinherit, conparentid <> 0
        FROM pg_constraint AS c JOIN pg_class ON pg_class.oid = conrelid
    """,
    "indexes": """
        SELECT indrelid::regclass,
            CASE WHEN t.relispartition
                THEN regexp_replace(pg_get_indexdef(indexrelid), 'INDEX .* ON', 'INDEX ON')
                ELSE pg_get_indexdef(indexrelid) END,
            indisvalid, indisready, indisprimary, indimmediate, inhparent::regclass
        FROM pg_index JOIN pg_class AS t ON t.oid = indrelid
        LEFT JOIN pg_inherits ON inhrelid = indexrelid
        WHERE t.relnamespace IN ('public'::regnamespace, '"The Kitchen"'::regnamespace)
    """,
    "others": """
        SELECT relname, relkind FROM pg_class
        WHERE relnamespace IN ('public'::regnamespace, '"The Kitchen"'::regnamespace)
        AND relkind NOT IN ('i', 'I')
        UNION ALL SELECT proname, 'f' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    """,
}


def snapshot(url: str) -> set[str]:
    """Return everything the statements can have changed."""
    with open_connection(url) as connection:
        return {
            f"{kind}: {row}"
            for kind, query in QUERIES.items()
            for row in connection.execute(query.encode()).fetchall()
        }


# What not every major that is supported can parse.
SINCE = {"NULLS NOT DISTINCT": 15, "SET NULL (": 15, '"Is There" NOT NULL': 18}


def installed_major() -> int:
    """Return the major of the server that the tests will have."""
    try:
        return find_binaries(choose_account()).version.major
    except SafemigrateError:
        return max(SINCE.values())


def statements_for(major: int) -> list[tuple[str, str]]:
    return [
        (rule, sql)
        for rule, sql in STATEMENTS
        if all(major >= since for words, since in SINCE.items() if words in sql)
    ]


each = pytest.mark.parametrize(
    ("rule", "sql"), statements_for(installed_major()), ids=lambda part: part[:60]
)


@each
def test_the_sql_leads_to_the_same_schema(
    rule: str, sql: str, clones: tuple[str, str], embedded_server: Server
) -> None:
    unsafe, safe = clones
    remedy = find(rule, sql, embedded_server.version)
    run(unsafe, filled(rule, sql))
    run(safe, remedy.sql if rule != REQUIRED else with_values(remedy.sql))
    assert snapshot(safe) == snapshot(unsafe) != set()


@each
def test_the_alembic_code_leads_to_the_same_schema(
    rule: str, sql: str, clones: tuple[str, str], embedded_server: Server, tmp_path: Path
) -> None:
    unsafe, safe = clones
    remedy = find(rule, sql, embedded_server.version)
    run(unsafe, filled(rule, sql))
    code = remedy.alembic
    if rule == REQUIRED:
        code = NOW.sub(lambda match: f"op.execute({VALUES!r})\n{match[0]}", code, count=1)
    run_revisions(safe, code, tmp_path)
    assert snapshot(safe) == snapshot(unsafe) != set()


REQUIRED = "required-column-without-default"
VALUES = """UPDATE keyed SET "New One" = '2024-01-01'"""


def filled(rule: str, sql: str) -> str:
    """Return the statement; a required column can only come to a table without rows."""
    return f"TRUNCATE keyed; {sql}" if rule == REQUIRED else spelt(sql)


def with_values(sql: str) -> str:
    """Return the remedy with the part that is left to the reader: the values of the old rows."""
    head, marker, tail = sql.partition("-- once every release")
    assert marker
    return f"{head}{VALUES};\n{marker}{tail}"


def ask(url: str, query: str) -> object:
    with open_connection(url) as connection:
        row: tuple[object, ...] | None = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("ALTER TABLE keyed ADD d uuid DEFAULT gen_random_uuid()", "d IS NULL"),
        ("ALTER TABLE cook ADD d uuid DEFAULT gen_random_uuid()", "d IS NULL"),
        (
            "ALTER TABLE keyed ADD d int GENERATED ALWAYS AS (length(b) + a) STORED",
            "d <> length(b) + a",
        ),
        (
            "ALTER TABLE keyed ADD d varchar(4) GENERATED ALWAYS AS ('<' || c) STORED",
            "d IS DISTINCT FROM '<' || c",
        ),
        ("ALTER TABLE meal ADD d bigserial", "d IS NULL"),
        ("ALTER TABLE meal ADD d json GENERATED ALWAYS AS (to_json(id)) STORED", "d IS NULL"),
    ],
)
def test_every_row_there_was_is_filled(
    sql: str, broken: str, clones: tuple[str, str], embedded_server: Server
) -> None:
    _, url = clones
    table = sql.split()[2]
    run(url, "DELETE FROM keyed WHERE length(c) > 3")
    run(url, find("volatile-default-rewrite", sql, embedded_server.version).sql)
    assert ask(url, f"SELECT count(*) FROM {table} WHERE {broken}") == 0  # noqa: S608 - our own
    assert ask(url, f"SELECT count(*) FROM {table}") != 0  # noqa: S608 - our own


def test_a_trigger_computes_what_the_generated_column_would(
    clones: tuple[str, str], embedded_server: Server
) -> None:
    _, url = clones
    sql = """ALTER TABLE book ADD "Shout" text GENERATED ALWAYS AS ("Full Name" || '!') STORED"""
    run(url, find("volatile-default-rewrite", sql, embedded_server.version).sql)
    run(url, spelt("""INSERT INTO book ("The Id", "Full Name") VALUES (99, 'new')"""))
    run(url, spelt("""UPDATE book SET "Full Name" = 'other' WHERE "The Id" = 1"""))
    query = """SELECT string_agg("Shout", ' ' ORDER BY "The Id") FROM book """
    assert ask(url, spelt(f'{query} WHERE "The Id" IN (1, 2, 99)')) == "other! 2! new!"


def test_an_identity_goes_on_from_the_numbers_that_were_filled_in(
    clones: tuple[str, str], embedded_server: Server
) -> None:
    _, url = clones
    sql = "ALTER TABLE cook ADD number int GENERATED ALWAYS AS IDENTITY"
    run(url, find("volatile-default-rewrite", sql, embedded_server.version).sql)
    run(url, "INSERT INTO cook (id) VALUES (99)")
    assert ask(url, "SELECT count(DISTINCT number) FROM cook") == 31
    assert ask(url, "SELECT number = max(number) OVER () FROM cook ORDER BY id DESC") is True
