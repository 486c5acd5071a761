"""What facts say of DO, and of calls of functions, is what the server is seen to do."""

from dataclasses import replace

import psycopg
import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.facts import walk
from safemigrate.model import (
    NEWEST_VERSION,
    AddColumn,
    Catalog,
    Certainty,
    Direction,
    DropColumn,
    DropTable,
    DropView,
    Event,
    ExplainedStatement,
    FunctionCall,
    History,
    Migration,
    NoTableAction,
    Passage,
    QualifiedName,
    ServerVersion,
    Span,
    Statement,
)
from safemigrate.server import Server
from safemigrate.sql import split_statements
from safemigrate.trace import compare, observe_script

STEP = QualifiedName(None, "step")
RECIPE = QualifiedName(None, "recipe")
SCHEMA = """
CREATE TABLE cook (id bigint PRIMARY KEY, name text);
INSERT INTO cook SELECT n, n::text FROM generate_series(1, 50) AS n;
CREATE TABLE recipe (
    id bigint PRIMARY KEY, name varchar(20), servings int, cook bigint, note text
);
INSERT INTO recipe SELECT n, 'a', n, n, 'b' FROM generate_series(1, 50) AS n;
CREATE INDEX recipe_name ON recipe (name);
CREATE SCHEMA app;
CREATE TABLE app.recipe (id bigint);
INSERT INTO app.recipe SELECT n FROM generate_series(1, 50) AS n;
CREATE TABLE part (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE VIEW reader AS SELECT id FROM cook;
"""

# Blocks whose statements the server does not plan, so that it reads what it must and no more.
BLOCKS = [
    "DO $$ BEGIN END $$",
    "DO $$ BEGIN NULL; RAISE NOTICE 'x %', 1; END $$",
    "DO $$ BEGIN ALTER TABLE recipe ADD COLUMN z int; END $$",
    "DO $$ BEGIN ALTER TABLE recipe ADD COLUMN z uuid DEFAULT gen_random_uuid(); END $$",
    "DO 'BEGIN ALTER TABLE recipe ADD COLUMN z text DEFAULT ''a''; END'",
    "DO E'BEGIN\\n ALTER TABLE recipe\\n ADD COLUMN z int; END'",
    "DO LANGUAGE plpgsql $$ BEGIN ALTER TABLE recipe ALTER COLUMN note SET NOT NULL; END $$",
    "DO $$ BEGIN EXECUTE 'ALTER TABLE recipe ADD COLUMN z int'; END $$",
    "DO $$ BEGIN EXECUTE 'ALTER TABLE ' || 'recipe ' || 'ADD COLUMN z int'; END $$",
    "DO $$ BEGIN EXECUTE format('ALTER TABLE recipe ADD CHECK (servings %% 1 = 0)'); END $$",
    "DO $$ BEGIN EXECUTE $q$CREATE INDEX z ON recipe (note)$q$; END $$",
    "DO $$ BEGIN EXECUTE 'DROP INDEX recipe_name; DROP TABLE app.recipe'; END $$",
    "DO $$ BEGIN IF true THEN CREATE INDEX z ON recipe (note); END IF; END $$",
    "DO $$ BEGIN IF false THEN NULL; ELSE ALTER TABLE recipe DROP COLUMN note; END IF; END $$",
    "DO $$ DECLARE n int := 1; BEGIN CASE n WHEN 1 THEN TRUNCATE cook; ELSE NULL; END CASE; END $$",
    "DO $$ BEGIN FOR i IN 1..2 LOOP LOCK TABLE recipe IN SHARE MODE; END LOOP; END $$",
    """DO $$ DECLARE i int = 0; BEGIN
        WHILE i < 1 LOOP i := i + 1; DROP VIEW reader; END LOOP;
    END $$""",
    "DO $$ BEGIN LOOP ALTER TABLE cook ADD CHECK (id > 0) NOT VALID; EXIT; END LOOP; END $$",
    "DO $$ BEGIN ALTER TABLE cook RENAME TO chef; EXCEPTION WHEN OTHERS THEN NULL; END $$",
    "DO $$ BEGIN RAISE 'x'; EXCEPTION WHEN OTHERS THEN ALTER TABLE cook ADD z int; END $$",
    """DO $$ BEGIN
        CREATE TABLE step (id bigint, recipe bigint);
        ALTER TABLE step ADD FOREIGN KEY (recipe) REFERENCES recipe (id);
        CREATE INDEX ON step (recipe);
    END $$""",
    """DO $$ BEGIN
        ALTER TABLE recipe ADD CONSTRAINT c CHECK (note IS NOT NULL) NOT VALID;
        ALTER TABLE recipe VALIDATE CONSTRAINT c;
        ALTER TABLE recipe ALTER COLUMN note SET NOT NULL;
    END $$""",
    """DO $$ BEGIN
        ALTER TABLE recipe ADD FOREIGN KEY (cook) REFERENCES cook (id) NOT VALID;
    END $$""",
    "DO $$ BEGIN SET LOCAL search_path TO app; ALTER TABLE recipe ADD COLUMN z int; END $$",
    """DO $$ BEGIN
        PERFORM set_config('search_path', 'app', true);
        ALTER TABLE recipe ADD COLUMN z uuid DEFAULT gen_random_uuid();
    END $$""",
    "DO $$ BEGIN ALTER TABLE part ADD COLUMN z int; END $$",
    "DO $a$ BEGIN DO $b$ BEGIN ALTER TABLE cook ADD COLUMN z int; END $b$; END $a$",
    "DO $$ <<é>> DECLARE ü text := 'é'; BEGIN ALTER TABLE cook ADD COLUMN é text; END é $$",
    """DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'other')
            AND NOT EXISTS (SELECT FROM information_schema.columns WHERE column_name = 'zz')
        THEN
            ALTER TABLE cook ALTER COLUMN name TYPE varchar(40);
        END IF;
    END $$""",
    """DO $$ BEGIN
        CREATE FUNCTION later() RETURNS void LANGUAGE plpgsql AS
            'BEGIN ALTER TABLE cook ADD COLUMN z int; END';
        PERFORM later();
    END $$""",
    """CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS
        $$ BEGIN ALTER TABLE cook ADD COLUMN z uuid DEFAULT gen_random_uuid(); END $$;
    SELECT f()""",
    """CREATE FUNCTION f() RETURNS void LANGUAGE sql AS
        'ALTER TABLE cook ADD COLUMN z int; DROP TABLE app.recipe';
    SELECT f()""",
    """CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SET search_path = app AS
        'BEGIN ALTER TABLE recipe ADD COLUMN z int; END';
    SELECT f(); ALTER TABLE recipe ADD COLUMN z int""",
    """CREATE PROCEDURE p(a int DEFAULT 1) LANGUAGE plpgsql AS
        'BEGIN CREATE INDEX z ON recipe (note); END';
    CALL p()""",
    """CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN LOCK cook; END';
    CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM f(); END';
    SELECT * FROM g()""",
    """CREATE FUNCTION f(int) RETURNS void LANGUAGE plpgsql AS 'BEGIN LOCK cook; END';
    CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN LOCK recipe; END';
    SELECT f()""",
    """CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN LOCK cook; END';
    CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN LOCK recipe; END';
    SELECT f()""",
    "DO $$ BEGIN CREATE INDEX CONCURRENTLY z ON recipe (note); END $$",
    "DO $$ BEGIN DROP INDEX CONCURRENTLY recipe_name; END $$",
    "DO $$ BEGIN EXECUTE 'ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY'; END $$",
    "DO $$ BEGIN COMMIT; END $$",
    "DO $$ BEGIN SAVEPOINT a; END $$",
    "DO $$ BEGIN VACUUM recipe; END $$",
    """CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DROP INDEX CONCURRENTLY recipe_name';
    SELECT f()""",
    """CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN ROLLBACK; END';
    CALL p()""",
]

# Blocks with queries, which the planner reads tables for as it likes: only locks are compared.
QUERIES = [
    "DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM recipe; END $$",
    "DO $$ DECLARE n int := (SELECT count(*) FROM recipe); BEGIN n := n + 1; END $$",
    "DO $$ DECLARE n int; BEGIN n := (SELECT count(*) FROM app.recipe); END $$",
    "DO $$ BEGIN PERFORM 1 FROM cook FOR UPDATE; END $$",
    "DO $$ BEGIN IF (SELECT count(*) FROM cook) > 0 THEN TRUNCATE recipe; END IF; END $$",
    "DO $$ BEGIN ASSERT EXISTS (SELECT FROM cook), 'none'; END $$",
    "DO $$ BEGIN RAISE NOTICE 'x %', (SELECT count(*) FROM cook); END $$",
    "DO $$ BEGIN UPDATE recipe SET note = 'c' WHERE cook IN (SELECT id FROM cook); END $$",
    "DO $$ DECLARE n int; BEGIN INSERT INTO cook VALUES (99) RETURNING id INTO n; END $$",
    """DO $$ DECLARE r record; BEGIN
        FOR r IN SELECT id FROM cook LOOP DELETE FROM recipe WHERE id = r.id; END LOOP;
    END $$""",
    """DO $$ DECLARE c CURSOR FOR SELECT id FROM cook; n int; BEGIN
        OPEN c; FETCH c INTO n; CLOSE c;
    END $$""",
    """DO $$ DECLARE c CURSOR (k int) FOR SELECT id FROM cook WHERE id > k; BEGIN
        FOR r IN c(1) LOOP EXIT WHEN (SELECT true FROM app.recipe LIMIT 1); END LOOP;
    END $$""",
    """DO $$ DECLARE r record; BEGIN
        EXECUTE 'SELECT 1 FROM cook WHERE id = $1' INTO r USING 1;
    END $$""",
    """DO $$ DECLARE r record; BEGIN
        FOR r IN EXECUTE 'SELECT * FROM cook' LOOP NULL; END LOOP;
    END $$""",
    """CREATE FUNCTION f() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM cook';
    DO $$ BEGIN IF f() > 0 THEN ALTER TABLE recipe ADD COLUMN z int; END IF; END $$""",
    """CREATE FUNCTION f() RETURNS SETOF bigint LANGUAGE plpgsql AS
        $$ BEGIN
            RETURN QUERY SELECT id FROM cook; RETURN NEXT (SELECT 1 FROM recipe LIMIT 1);
        END $$;
    SELECT * FROM f()""",
    """CREATE FUNCTION f(n int) RETURNS bigint LANGUAGE sql
        BEGIN ATOMIC UPDATE cook SET name = 'x' WHERE id = n; SELECT count(*) FROM recipe; END;
    SELECT f(1)""",
    """CREATE FUNCTION f() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM app.recipe);
    SELECT f()""",
]


def look_at(sql: str, version: ServerVersion, transaction: int | None) -> list[ExplainedStatement]:
    """Return the prediction for the script over SCHEMA."""
    statements = tuple(
        Statement(
            piece.sql, "1.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, number, transaction
        )
        for number, piece in enumerate(split_statements(sql), start=1)
    )
    history = History((Migration("1.sql", sql, upgrade=statements),))
    timeline = walk(history, before=catalog_of_sql(SCHEMA, "schema.sql"), version=version)
    return list(timeline.passages[0].statements)


@pytest.fixture(scope="module")
def template(embedded_server: Server) -> str:
    """A database with SCHEMA in it, to be cloned."""
    name = embedded_server.create_database()
    with psycopg.connect(embedded_server.url(name).replace("+psycopg", "")) as connection:
        connection.execute(SCHEMA)
    return name


@pytest.mark.parametrize("transaction", [1, None], ids=["in a transaction", "by itself"])
@pytest.mark.parametrize("sql", [*BLOCKS, *QUERIES])
def test_predicted_is_observed(
    sql: str, transaction: int | None, template: str, embedded_server: Server
) -> None:
    predicted = look_at(sql, embedded_server.version, transaction)
    database = embedded_server.create_database(template=template)

    observed = observe_script(
        embedded_server.url(database),
        [item.statement.sql for item in predicted],
        in_transaction=transaction is not None,
    )

    for one, seen in zip(predicted, observed, strict=True):
        facts = one.facts
        if sql in QUERIES:
            facts, seen = replace(facts, scans=()), replace(seen, scans=())  # noqa: PLW2901 - both as one compares them
        assert compare(facts, seen) == ()
        assert not any(event.gap for event in one.events)
    embedded_server.drop_database(database)


def run(sql: str, transaction: int | None = None) -> Passage:
    """Return the passage of a file of SQL, whose statements have their places."""
    statements = tuple(
        Statement(
            sql=piece.sql,
            path="1.sql",
            span=Span(sql.count("\n", 0, piece.offset) + 1, 1, 99, 1),
            revision=None,
            direction=Direction.UPGRADE,
            ordinal=number,
            transaction=transaction,
            is_literal=True,
        )
        for number, piece in enumerate(split_statements(sql), start=1)
    )
    history = History((Migration("1.sql", sql, upgrade=statements),))
    before = catalog_of_sql(SCHEMA, "schema.sql")
    return walk(history, before=before, version=NEWEST_VERSION).passages[0]


def events_of(sql: str, transaction: int | None = None) -> list[Event]:
    """Return the events of the last statement that are not the block's or the call's own."""
    return list(run(sql, transaction).statements[-1].events[1:])


def test_each_action_meets_the_catalog_that_those_before_it_leave() -> None:
    passage = run(
        "DO $$ BEGIN CREATE TABLE step (id int); ALTER TABLE step ADD COLUMN a int; END $$;"
        "ALTER TABLE step DROP COLUMN a"
    )
    block, after = passage.statements
    create, add = block.events[1:]

    assert create.before.table(STEP) is None
    assert add.before.column(STEP, "id") is not None
    assert after.events[0].before.column(STEP, "a") is not None
    assert passage.after.column(STEP, "a") is None


def test_what_may_not_run_is_assumed() -> None:
    events = events_of(
        "DO $$ BEGIN DROP VIEW reader; IF true THEN DROP TABLE recipe; END IF; END $$"
    )

    certainties = [event.facts.certainty for event in events]
    assert certainties == [Certainty.KNOWN, Certainty.ASSUMED]


def test_a_call_under_a_condition_is_assumed_with_all_it_does() -> None:
    events = events_of(
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DROP VIEW reader';"
        "DO $$ BEGIN IF true THEN PERFORM f(); END IF; END $$"
    )

    assert [type(event.action) for event in events] == [NoTableAction, DropView]
    assert {event.facts.certainty for event in events} == {Certainty.ASSUMED}


def test_a_commit_in_a_block_ends_what_was_local_and_begins_a_new_transaction() -> None:
    sql = (
        "DO $$ BEGIN SET LOCAL search_path TO app; ALTER TABLE recipe ADD COLUMN a int; COMMIT;"
        " ALTER TABLE recipe ADD COLUMN b int; ROLLBACK; DROP VIEW reader; END $$"
    )
    events = events_of(sql)

    adding = [event for event in events if isinstance(event.action, AddColumn)]
    assert [str(event.facts.locks[0].relation) for event in adding] == [
        "app.recipe",
        "public.recipe",
    ]
    assert [event.section for event in events] == [0, 0, 0, 1, 1, 2]


def test_a_commit_that_the_server_refuses_splits_nothing() -> None:
    sql = "DO $$ BEGIN DROP VIEW reader; COMMIT; DROP TABLE recipe; END $$"
    events = events_of(sql, transaction=1)

    assert [event.section for event in events] == [0, 0, 0]
    assert events[1].facts.errors == ("invalid transaction termination",)


@pytest.mark.parametrize(
    ("calling", "is_refused"),
    [
        ("CALL p()", False),
        ("DO $$ BEGIN CALL p(); END $$", False),
        ("SELECT f()", True),
        ("DO $$ BEGIN PERFORM f(); END $$", True),
        ("CALL kept()", True),
    ],
)
def test_only_what_is_called_as_a_procedure_ends_transactions(
    calling: str, *, is_refused: bool, template: str, embedded_server: Server
) -> None:
    made = [
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'",
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN CALL p(); END'",
        "CREATE PROCEDURE kept() LANGUAGE plpgsql SET search_path = app AS 'BEGIN COMMIT; END'",
    ]
    statement = run(";".join([*made, calling])).statements[-1]
    database = embedded_server.create_database(template=template)
    url = embedded_server.url(database)
    *_, seen = observe_script(url, [calling], before=made, in_transaction=False)

    assert bool(statement.facts.errors) is is_refused
    assert compare(statement.facts, seen) == ()
    embedded_server.drop_database(database)


def test_functions_that_call_each_other_are_followed_once() -> None:
    events = events_of(
        "CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM h(); END';"
        "CREATE FUNCTION h() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM g(); END';"
        "SELECT g()"
    )

    assert [event.action for event in events] == [
        NoTableAction("SELECT", (), (FunctionCall(None, "h", 0),)),
        NoTableAction("SELECT", (), (FunctionCall(None, "g", 0),)),
    ]


def test_calls_that_double_are_not_followed_without_end() -> None:
    functions = [
        f"CREATE FUNCTION f{number}() RETURNS void LANGUAGE plpgsql AS"
        f" 'BEGIN PERFORM f{number + 1}(); PERFORM f{number + 1}(); END';"
        for number in range(40)
    ]
    events = events_of(f"{''.join(functions)} SELECT f0()")

    assert len(events) < 3000
    assert any(event.gap for event in events)


def test_the_place_of_a_function_s_action_is_the_body_in_the_same_file() -> None:
    sql = (
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n"
        "  DROP VIEW reader; END $$;\nSELECT f()"
    )
    making, calling = run(sql).statements
    (event,) = calling.events[1:]

    assert event.statement is calling.statement
    assert event.place is making.statement
    assert sql[event.offset :].startswith("DROP VIEW")


def test_the_place_of_a_function_s_action_is_else_the_call() -> None:
    texts = [
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'ALTER TABLE recipe DROP COLUMN note'",
        "DO $$ BEGIN\n PERFORM f(); END $$",
    ]
    migrations = tuple(
        Migration(
            f"{number}.sql",
            text,
            upgrade=(
                Statement(
                    text, f"{number}.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, 1, None
                ),
            ),
        )
        for number, text in enumerate(texts)
    )
    before = catalog_of_sql(SCHEMA, "schema.sql")
    timeline = walk(History(migrations), before=before, version=NEWEST_VERSION)
    *_, event = timeline.passages[1].statements[0].events

    assert event.action == DropColumn(RECIPE, "note", offset=event.action.offset)
    assert event.place is event.statement
    assert texts[1][event.offset + event.action.offset :].startswith("PERFORM f()")


def test_what_promises_to_change_nothing_is_not_asked_for_its_dynamic_sql() -> None:
    sql = (
        "CREATE FUNCTION f(q text) RETURNS void LANGUAGE plpgsql {} AS 'BEGIN EXECUTE q; END';"
        "SELECT f('x')"
    )
    assert [event.gap for event in events_of(sql.format("STABLE"))] == []
    assert [event.gap for event in events_of(sql.format(""))] == ['dynamic SQL in function "f"']


def test_a_call_may_be_of_any_function_that_takes_the_arguments() -> None:
    events = events_of(
        "CREATE FUNCTION f(a int) RETURNS void LANGUAGE sql AS 'DROP VIEW reader';"
        "CREATE FUNCTION f(a text) RETURNS void LANGUAGE sql AS 'DROP TABLE recipe';"
        "CREATE FUNCTION f(a int, b int) RETURNS void LANGUAGE sql AS 'DROP TABLE cook';"
        "SELECT f(1)"
    )

    assert [type(event.action) for event in events] == [DropView, DropTable]
    assert {event.facts.certainty for event in events} == {Certainty.ASSUMED}


def test_after_dynamic_sql_the_history_is_not_complete() -> None:
    sql = "DO $$ DECLARE q text; BEGIN EXECUTE q; END $$"
    statement = Statement(sql, "1.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, 1, None)
    migrations = [Migration(f"{n}.sql", sql, upgrade=(statement,)) for n in range(2)]
    timeline = walk(
        History(tuple(migrations)), before=Catalog(is_complete=True), version=NEWEST_VERSION
    )

    assert [passage.before.is_complete for passage in timeline.passages] == [True, False]


def test_a_schema_file_is_built_by_its_blocks_as_well() -> None:
    catalog = catalog_of_sql("DO $$ BEGIN CREATE TABLE step (id int); END $$", "schema.sql")

    assert catalog.column(STEP, "id") is not None
