"""What stands in bodies, and where: checked against PostgreSQL's own parser of PL/pgSQL."""

import json
import re
from collections import Counter

import postgast
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    AddColumn,
    ChangeRows,
    CreateFunction,
    DoBlock,
    FunctionCall,
    NoTableAction,
    QualifiedName,
    RowChange,
    SetVariable,
    Step,
    TransactionControl,
    TransactionVerb,
    UnreadSql,
)
from safemigrate.sql import read_actions
from safemigrate.sql.pieces import Piece, PieceKind
from safemigrate.sql.plpgsql import read_pieces

T = QualifiedName(None, "t")

EVERYTHING = """
#variable_conflict use_column
<<outer>>
DECLARE
    x integer := (SELECT 1);  -- a comment; with a semicolon
    y CONSTANT numeric(10, 2) NOT NULL DEFAULT 2;
    r record; t foo%ROWTYPE; k foo.bar%TYPE; names text[] = '{}';
    c CURSOR (n int) FOR SELECT * FROM t WHERE a = n;
    d NO SCROLL CURSOR FOR SELECT 'x;y' FROM u;
    also ALIAS FOR x;
BEGIN
    ALTER TABLE t ADD COLUMN z int;
    PERFORM f(x), 'BEGIN; END';
    SELECT a, b INTO STRICT x, r.a FROM t WHERE b = x;
    SELECT INTO r * FROM t;
    INSERT INTO t SELECT 1 RETURNING a INTO x;
    WITH gone AS (DELETE FROM t RETURNING a) SELECT a INTO x FROM gone;
    x := x + 1; x = 2; r.a := 3; names[x + 1] := 'y'; "x" := 4;
    EXECUTE 'ALTER TABLE t DROP COLUMN z';
    EXECUTE format('ALTER %I', x) INTO r USING x, y;
    EXECUTE 'SELECT $1' USING x INTO r;
    IF x > 1 THEN UPDATE t SET a = 1; ELSIF EXISTS (SELECT 1 FROM t) THEN NULL;
    ELSEIF x = 3 THEN DELETE FROM t; ELSE COMMIT; END IF;
    CASE x WHEN 1, 2 THEN NULL; WHEN 3 THEN DELETE FROM u; ELSE DELETE FROM v; END CASE;
    CASE WHEN x > (SELECT 2) THEN NULL; END CASE;
    <<inner>>
    FOR r IN SELECT * FROM t LOOP DELETE FROM t WHERE a = r.a; END LOOP inner;
    FOR i IN REVERSE 10..1 BY 2 LOOP NULL; END LOOP;
    FOR r IN EXECUTE 'SELECT 1' || x USING y LOOP NULL; END LOOP;
    FOR r IN d LOOP CONTINUE WHEN x = 3; END LOOP;
    FOREACH x SLICE 0 IN ARRAY names LOOP EXIT WHEN x = 4; END LOOP;
    WHILE x < (SELECT 3) LOOP x := x + 1; EXIT; END LOOP;
    CALL p(x); DO 'BEGIN END';
    OPEN c(3); FETCH NEXT FROM c INTO r; MOVE FORWARD 3 FROM c; CLOSE c;
    GET DIAGNOSTICS x = ROW_COUNT;
    ASSERT x > 1, 'small';
    RAISE NOTICE 'a % b %', (SELECT 1), x USING HINT = 'h' || x, DETAIL = 'd';
    RAISE unique_violation USING MESSAGE = 'm'; RAISE SQLSTATE '22012';
    BEGIN NULL; EXCEPTION WHEN unique_violation OR SQLSTATE '22012' THEN RAISE; END;
    CREATE FUNCTION g() RETURNS int LANGUAGE sql
        BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END;
    COMMIT AND CHAIN; ROLLBACK;
    RETURN;
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS x = MESSAGE_TEXT; PERFORM 'é';
END outer
"""


QUERY = re.compile(r'"query": ("(?:[^"\\]|\\.)*"), "parseMode": (\d)')
FIRST_ASSIGNMENT = 3


def queries_of(body: str) -> Counter[str]:
    """Return the SQL that PostgreSQL's own parser finds in the body, without blanks."""
    tree = postgast.parse_plpgsql(f"DO $body${body}$body$")
    found: Counter[str] = Counter()
    for quoted, mode in QUERY.findall(json.dumps(tree)):
        text = re.sub(r"\s", "", json.loads(quoted))
        # It writes CASE x WHEN 1, 2 as a comparison with a variable of its own.
        text = re.sub(r'"__Case.*?"IN\((.*)\)', r"\1", text)
        if int(mode) >= FIRST_ASSIGNMENT:
            text = re.sub(r"^.*?:?=", "", text)
        found[text] += 1
    return found


def text_of(piece: Piece) -> str:
    """Return what the piece says, without blanks and what we put before an expression."""
    is_whole = piece.kind is PieceKind.STATEMENT
    return re.sub(r"\s", "", piece.sql if is_whole else piece.sql.removeprefix("SELECT "))


def test_the_pieces_are_those_that_postgresql_finds() -> None:
    theirs = queries_of(EVERYTHING)
    ours = Counter(map(text_of, read_pieces(EVERYTHING)))

    # Theirs have what a cursor is opened with, and how far it is moved; ours have COMMIT.
    assert ours - theirs == Counter(["COMMITANDCHAIN", "COMMIT", "ROLLBACK"])
    assert theirs - ours == Counter(["3", "3"])


TOKENS = re.findall(r"\s+|\w+|'[^']*'|[^\w\s]", EVERYTHING)
WORDS = [
    "BEGIN",
    "END",
    "IF",
    "LOOP",
    ";",
    "(",
    "'",
    "INTO",
    "x",
    ":=",
    "$q$",
    "é",
    "\\",
    "/*",
    "=",
]


@st.composite
def broken_bodies(draw: st.DrawFn) -> str:
    """Bodies that are nearly right, cut short, or not right at all."""
    tokens = list(TOKENS)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(tokens) - 1))
        tokens[at : at + draw(st.integers(0, 3))] = draw(st.lists(st.sampled_from(WORDS)))
        tokens = tokens or [" "]
    return "".join(tokens)[: draw(st.integers(0, 4000))]


@given(body=broken_bodies() | st.text())
def test_what_postgresql_takes_is_never_refused(body: str) -> None:
    try:
        theirs = queries_of(body)
    except (postgast.PgQueryError, ValueError):
        return
    assert len(read_pieces(body)) >= len(theirs) - body.upper().count("CURSOR") * 2


@given(
    body=broken_bodies() | st.text(),
    quotes=st.sampled_from([("$b$", "$b$"), ("'", "'"), ("E'", "'"), ("$é$", "$é$"), ("", "")]),
    head=st.sampled_from(
        [
            "DO ",
            "DO LANGUAGE plpgsql ",
            "CREATE FUNCTION f(a int, b s.t) RETURNS trigger LANGUAGE plpgsql AS ",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC ",
        ]
    ),
)
def test_a_bad_body_is_at_worst_a_syntax_error_in_the_statement(
    body: str, quotes: tuple[str, str], head: str
) -> None:
    sql = f"{head}{quotes[0]}{body}{quotes[1]}"
    assert -1 < offset_of_fault(sql) <= len(sql)


def offset_of_fault(sql: str) -> int:
    """Return where the statement does not parse, 0 where it does."""
    try:
        return len(read_actions(sql)) - 1
    except SqlSyntaxError as err:
        return err.offset


def steps_of(sql: str) -> tuple[Step, ...]:
    (action,) = read_actions(sql)
    match action:
        case DoBlock(steps=steps):
            return steps
        case CreateFunction(body=body) if body is not None:
            return body
    raise AssertionError(action)


def place_of(sql: str, step: Step) -> str:
    """Return the text that begins where the step's action stands."""
    return sql[step.offset + step.action.offset :]


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN ALTER TABLE t ADD COLUMN z int; END $$",
        "DO $é$ DECLARE ü text = 'ü'; BEGIN ALTER TABLE t ADD COLUMN z int; END $é$",
        "/* é */ DO LANGUAGE plpgsql\r\n$$\r\nBEGIN\r\n ALTER TABLE t ADD COLUMN z int; END $$",
        "DO 'BEGIN RAISE NOTICE ''é''; ALTER TABLE t ADD COLUMN z int; END'",
        "DO E'BEGIN ALTER TABLE t ADD COLUMN z int; END'",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD COLUMN z int'; END $$",
        "DO $$ BEGIN EXECUTE '/* '' */ ALTER TABLE t ADD COLUMN z int'; END $$",
        "DO $$ BEGIN EXECUTE $q$ SELECT 1; ALTER TABLE t ADD COLUMN z int $q$; END $$",
        "DO $$ BEGIN DO $q$ BEGIN ALTER TABLE t ADD COLUMN z int; END $q$; END $$",
        "DO 'BEGIN EXECUTE ''/* '''' */ ALTER TABLE t ADD COLUMN z int''; END'",
        "CREATE FUNCTION é() RETURNS void LANGUAGE sql AS 'ALTER TABLE t ADD COLUMN z int'",
        (
            "CREATE FUNCTION f() RETURNS void AS $$ BEGIN ALTER TABLE t ADD COLUMN z int; END $$ "
            "LANGUAGE plpgsql"
        ),
    ],
)
def test_an_action_stands_where_it_is_written(sql: str) -> None:
    (step,) = (step for step in steps_of(sql) if isinstance(step.action, AddColumn))

    assert place_of(sql, step).startswith("ADD COLUMN z int")


@pytest.mark.parametrize(
    "sql",
    [
        "DO E'BEGIN\\n ALTER TABLE t ADD COLUMN z int; END'",
        "DO 'BEGIN ALTER TABLE t '\n'ADD COLUMN z int; END'",
        "DO U&'BEGIN ALTER TABLE t ADD \\0063OLUMN z int; END'",
    ],
)
def test_where_escapes_hide_the_place_the_statement_s_own_is_taken(sql: str) -> None:
    (step,) = steps_of(sql)

    assert place_of(sql, step) == sql


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("x := (SELECT a FROM t);", "x :="),
        ("IF EXISTS (SELECT a FROM t) THEN NULL; END IF;", "EXISTS"),
        ("PERFORM a FROM t;", "PERFORM"),
        ("SELECT a INTO x FROM t;", "SELECT"),
        ("FOR r IN SELECT a FROM t LOOP NULL; END LOOP;", "SELECT"),
        ("WHILE (SELECT a FROM t) LOOP NULL; END LOOP;", "(SELECT"),
        ("RETURN (SELECT a FROM t);", "RETURN"),
        ("RETURN QUERY SELECT a FROM t;", "SELECT"),
        ("RAISE NOTICE '%', (SELECT a FROM t);", "(SELECT"),
        ("x := count(*) FROM t;", "x :="),
    ],
)
def test_a_table_is_read_where_the_body_looks_at_it(body: str, place: str) -> None:
    sql = (
        "CREATE FUNCTION f() RETURNS SETOF int LANGUAGE plpgsql "
        f"AS $$ DECLARE x int; r record; BEGIN\n {body}\nEND $$"
    )
    if place == "RETURN":
        sql = sql.replace("SETOF ", "")
    (step,) = steps_of(sql)

    assert isinstance(step.action, NoTableAction)
    assert step.action.reads == (T,)
    assert place_of(sql, step).startswith(place)


def test_what_only_computes_is_no_step() -> None:
    assert steps_of("DO $$ DECLARE x int := 1; BEGIN x := x * 2; PERFORM 1; NULL; END $$") == ()


def test_the_system_s_own_tables_are_not_looked_at() -> None:
    guard = "SELECT FROM pg_class, pg_catalog.pg_type, information_schema.columns"
    assert steps_of(f"DO $$ BEGIN IF EXISTS ({guard}) THEN NULL; END IF; END $$") == ()


@pytest.mark.parametrize(
    ("body", "conditional"),
    [
        ("DELETE FROM t;", [False]),
        (
            "IF a THEN DELETE FROM t; ELSE DELETE FROM t; END IF; DELETE FROM t;",
            [True, True, False],
        ),
        ("CASE WHEN a THEN DELETE FROM t; END CASE;", [True]),
        ("LOOP DELETE FROM t; EXIT; END LOOP; DELETE FROM t;", [True, False]),
        ("BEGIN DELETE FROM t; END; DELETE FROM t;", [False, False]),
        ("BEGIN DELETE FROM t; EXCEPTION WHEN OTHERS THEN DELETE FROM t; END;", [True, True]),
        ("IF a THEN RETURN; END IF; DELETE FROM t;", [True]),
        ("IF a THEN RAISE 'x'; END IF; DELETE FROM t;", [False]),
        ("<<b>> BEGIN IF a THEN EXIT b; END IF; DELETE FROM t; END b;", [True]),
    ],
)
def test_what_may_not_run_is_marked(body: str, conditional: list[bool]) -> None:
    steps = steps_of(f"DO $$ DECLARE a bool; BEGIN {body} END $$")

    assert [step.is_conditional for step in steps] == conditional
    assert all(step.action == ChangeRows(RowChange.DELETE, T) for step in steps)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("command", "dynamic SQL in a DO block"),
        ("'DROP TABLE ' || command", "dynamic SQL in a DO block"),
        ("format('DROP TABLE %I', command)", "dynamic SQL in a DO block"),
        ("format('DROP TABLE %I', 't')", "dynamic SQL in a DO block"),
        ("concat('DROP ', 'TABLE t')", "dynamic SQL in a DO block"),
        ("'COMMIT'", "COMMIT by EXECUTE in a DO block"),
    ],
)
def test_what_is_put_together_when_it_runs_is_not_read(command: str, reason: str) -> None:
    sql = f"DO $$ DECLARE command text; BEGIN\n  EXECUTE {command}; END $$"
    (step,) = steps_of(sql)

    assert step.action == UnreadSql(reason)
    assert place_of(sql, step).startswith("EXECUTE" if command != "'COMMIT'" else "COMMIT")


def test_every_way_to_run_dynamic_sql_is_seen() -> None:
    body = (
        "FOR r IN EXECUTE q LOOP NULL; END LOOP; OPEN c FOR EXECUTE q USING 1; "
        "RETURN QUERY EXECUTE q; EXECUTE q INTO r;"
    )
    steps = steps_of(
        "CREATE FUNCTION f(q text) RETURNS SETOF int LANGUAGE plpgsql AS "
        f"$$ DECLARE r record; c refcursor; BEGIN {body} END $$"
    )

    assert [step.action for step in steps] == [UnreadSql('dynamic SQL in function "f"')] * 4


@pytest.mark.parametrize(
    ("sql", "near"),
    [
        ("DO $$ BEGIN\n ALTER TABEL t; END $$", "TABEL"),
        ("DO $$ BEGIN\n PERFORM 1;\n IF a THEN SELEC 1; END IF; END $$", "SELEC"),
        ("DO 'BEGIN PERFORM ''é''; SELEC 1; END'", "SELEC"),
        ("DO $$ BEGIN\n x := 1; END $$", "x := 1"),
        ("DO $$ BEGIN\n IF true THEN NULL; END $$", "$$"),
        ("DO $$ BEGIN PERFORM 1 +; END $$", "; END"),
        ("DO $$ BEGIN EXECUTE 'DROP TABEL t'; END $$", "TABEL"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SELEC 2 $$", "SELEC"),
        (
            (
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN\n"
                " NEW.a := 1;\n INSERT IN t VALUES (1); RETURN NEW; END $$"
            ),
            "IN t",
        ),
        ("CREATE FUNCTION f(a s.t) RETURNS s.t LANGUAGE plpgsql AS 'BEGIN SELEC 1; END'", "SELEC"),
    ],
)
def test_what_does_not_parse_is_found_at_its_place(sql: str, near: str) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        read_actions(sql)

    assert sql[caught.value.offset :].startswith(near)


def test_a_constant_that_does_not_parse_may_never_run() -> None:
    (step,) = steps_of(
        "DO $$ BEGIN IF false THEN EXECUTE 'DROP TABEL t'; END IF; END $$",
    )

    reason = 'SQL that does not parse in a DO block: syntax error at or near "TABEL"'
    assert step.action == UnreadSql(reason)


@pytest.mark.parametrize(
    "sql",
    [
        "DO LANGUAGE plpython3u $$ plpy.execute('x') $$",
        "DO $$ BEGIN " + "BEGIN " * 200 + "END; " * 200 + "END $$",
    ],
)
def test_what_is_not_followed_is_said_to_be_unread(sql: str) -> None:
    (action,) = read_actions(sql)

    assert isinstance(action, UnreadSql)


def test_bodies_in_bodies_are_followed_so_far_and_no_further() -> None:
    sql = "ALTER TABLE t ADD COLUMN z int"
    for number in range(20):
        sql = f"DO $a{number}$ BEGIN {sql}; END $a{number}$"

    (step,) = steps_of(sql)

    assert isinstance(step.action, UnreadSql)


@pytest.mark.parametrize("language", ["c", "internal", "plpython3u", "plv8"])
def test_a_body_in_another_language_is_not_read(language: str) -> None:
    (action,) = read_actions(f"CREATE FUNCTION f() RETURNS int LANGUAGE {language} AS 'x', 'y'")

    assert action == CreateFunction(QualifiedName(None, "f"), "v")


def test_a_function_knows_how_it_can_be_called() -> None:
    (action,) = read_actions(
        "CREATE FUNCTION s.f(a int, OUT b int, c text DEFAULT 'x', VARIADIC d int[] DEFAULT '{}') "
        "LANGUAGE sql STABLE SET search_path = app, 'Other' AS 'SELECT 1'"
    )

    assert isinstance(action, CreateFunction)
    assert [str(one) for one in action.arguments] == ["integer", "text", "integer[]"]
    assert (action.optional_arguments, action.is_variadic, action.volatility) == (2, True, "s")
    assert action.settings == (SetVariable("search_path", "app, Other", is_local=True),)
    assert action.body == ()


@pytest.mark.parametrize(
    ("sql", "actions"),
    [
        (
            (
                "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql BEGIN ATOMIC"
                " INSERT INTO t VALUES (x); SELECT CASE WHEN true THEN a END FROM t; END"
            ),
            [ChangeRows(RowChange.INSERT, T, columns=None), NoTableAction("SELECT", (T,))],
        ),
        (
            "CREATE FUNCTION f() RETURNS int RETURN (SELECT a FROM t)",
            [NoTableAction("SELECT", (T,))],
        ),
        (
            "CREATE FUNCTION f(a int DEFAULT 1) RETURNS int BEGIN ATOMIC RETURN g(a); END",
            [NoTableAction("SELECT", (), (FunctionCall(None, "g", 1),))],
        ),
        ("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC END", []),
        (
            "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN COMMIT; ROLLBACK AND CHAIN; END'",
            [
                TransactionControl(TransactionVerb.COMMIT),
                TransactionControl(TransactionVerb.ROLLBACK),
            ],
        ),
    ],
)
def test_bodies_in_sql_are_read(sql: str, actions: list[object]) -> None:
    assert [step.action for step in steps_of(sql)] == actions


def test_a_call_says_what_it_calls() -> None:
    assert read_actions("CALL s.p(1, (SELECT a FROM t))") == (
        NoTableAction("CALL", (T,), (FunctionCall("s", "p", 2),)),
    )
