"""Forms that hypothesis puts together: columns, several changes at once, several statements.

The examples are drawn without chance, so that every run tries the same.
"""

from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.matrix.forms import Form
from tests.matrix.kinds import OLDEST, Kind

COLUMNS = 150
CLAUSES = 150
SCRIPTS = 150

TABLES = [kind for kind in Kind if not kind.has_own_schema]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a statement; `touches`: what only one part of a statement may change."""

    sql: str
    touches: str
    since: int = OLDEST


# Types, each with a value; no kind of column takes another's.
VALUES = {
    "int": "1",
    "bigint": "1",
    "text": "'a'",
    "varchar(20)": "'a'",
    "numeric(10, 2)": "1.5",
    "boolean": "true",
    "timestamptz": "'2020-01-01 00:00+00'",
    "date": "'2020-01-01'",
    "jsonb": "'{}'",
    "uuid": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "int[]": "'{1}'",
    "mood": "'sad'",
    "anything": "1",
    "positive": "1",
    "required": "1",
    '"char"': "'a'",
}
VOLATILE = {
    "int": "own_volatile()",
    "bigint": "nextval('numbers')",
    "text": "gen_random_uuid()::text",
    "varchar(20)": "left(timeofday(), 5)",
    "numeric(10, 2)": "random()",
    "boolean": "random() > 0.5",
    "timestamptz": "clock_timestamp()",
    "uuid": "gen_random_uuid()",
    "anything": "own_volatile()",
    "positive": "own_volatile()",
    "required": "own_volatile()",
}
STABLE = {
    "int": "own_stable()",
    "bigint": "length(current_user::text)",
    "text": "current_setting('timezone')",
    "varchar(20)": "lower(upper('a'))",
    "timestamptz": "now() + interval '1 day'",
    "date": "current_date",
    "jsonb": "jsonb_build_object('a', 1)",
    "boolean": "now() > '2020-01-01'",
}


@st.composite
def new_columns(draw: st.DrawFn, name: str = "c") -> Part:
    """Draw ADD COLUMN with everything that may be written inline."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    since = OLDEST
    defaults = ["", "", f" DEFAULT {VALUES[kind]}", f" DEFAULT {VALUES[kind]}", " DEFAULT NULL"]
    defaults += [f" DEFAULT {each[kind]}" for each in (VOLATILE, STABLE) if kind in each]
    default = draw(st.sampled_from(defaults))
    if kind in {"int", "text", "bigint"} and draw(st.booleans()):
        stored, virtual = (
            " GENERATED ALWAYS AS (NULL) STORED",
            " GENERATED ALWAYS AS (NULL) VIRTUAL",
        )
        default = draw(st.sampled_from([stored, virtual]))
        since = 18 if default == virtual else OLDEST
    not_null = draw(st.sampled_from(["", "", " NOT NULL"]))
    check = draw(st.sampled_from(["", "", "", f" CHECK ({name} IS NOT NULL OR id > 0)"]))
    if check and draw(st.integers(0, 3)) == 0:
        check, since = check + " NOT ENFORCED", 18
    if not_null and default in {"", " DEFAULT NULL"} and draw(st.booleans()):
        not_null = ""
    return Part(f"ADD COLUMN {name} {kind}{default}{not_null}{check}", name, since)


CHANGES = [
    Part("ADD CONSTRAINT c_check CHECK (m > 0)", "c_check"),
    Part("ADD CONSTRAINT c_check CHECK (m > 0) NOT VALID", "c_check"),
    Part("ADD CONSTRAINT c_check CHECK (m > 0) NOT ENFORCED", "c_check", 18),
    Part("ADD CONSTRAINT c_far FOREIGN KEY (j) REFERENCES far (id)", "j"),
    Part("ADD CONSTRAINT c_unique UNIQUE (id, m)", "c_unique"),
    Part("ALTER COLUMN f SET DEFAULT 9", "f"),
    Part("ALTER COLUMN f DROP DEFAULT", "f"),
    Part("ALTER COLUMN f SET NOT NULL", "f"),
    Part("ALTER COLUMN f SET STATISTICS 50", "f"),
    Part("ALTER COLUMN j SET NOT NULL", "j"),
    Part("ALTER COLUMN j SET STATISTICS 50", "j"),
    Part("ALTER COLUMN k SET NOT NULL", "k"),
    Part("ALTER COLUMN w SET STORAGE EXTERNAL", "w"),
    Part("DROP CONSTRAINT v_filled", "v"),
    Part("DROP CONSTRAINT n_key", "n_key"),
    Part("DROP CONSTRAINT u_unproven", "u_unproven"),
    Part("VALIDATE CONSTRAINT u_unproven", "u_unproven"),
    Part("ENABLE ROW LEVEL SECURITY", "security"),
    Part("FORCE ROW LEVEL SECURITY", "security"),
    Part("DISABLE TRIGGER noticed", "noticed"),
    Part("REPLICA IDENTITY FULL", "identity"),
]
# What only the table that defines the columns can do.
CHANGES_OF_OWN = [
    Part("ALTER COLUMN j TYPE bigint", "j"),
    Part("ALTER COLUMN j TYPE text", "j"),
    Part("ALTER COLUMN v TYPE text", "v"),
    Part("ALTER COLUMN v TYPE varchar(50)", "v"),
    Part("ALTER COLUMN v TYPE varchar(5)", "v"),
    Part("ALTER COLUMN w TYPE text", "w"),
    Part("ALTER COLUMN x TYPE varchar(50)", "x"),
    Part("ALTER COLUMN y TYPE varchar(50)", "y"),
    Part("ALTER COLUMN k TYPE bigint", "k"),
    Part("ALTER COLUMN m DROP NOT NULL", "m"),
    Part("DROP COLUMN j", "j"),
    Part("DROP COLUMN w", "w"),
    Part("DROP COLUMN x", "x"),
    Part("DROP COLUMN p", "p"),
    Part("DROP COLUMN v", "v"),
]
STATEMENTS = [
    Part("CREATE INDEX c_index ON {table} (m)", "c_index"),
    Part("CREATE UNIQUE INDEX c_index ON {table} (id, f)", "c_index"),
    Part("DROP INDEX {schema}x_index", "x"),
    Part("DROP INDEX {schema}w_index", "w"),
    Part("CREATE POLICY c ON {table} USING (m > 0)", "policy"),
    Part("DROP POLICY open ON {table}", "policy"),
    Part("CREATE TRIGGER c BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION noop()", "c"),
    Part("DROP TRIGGER noticed ON {table}", "noticed"),
    Part("CREATE TABLE fresh (id int PRIMARY KEY)", "fresh"),
    Part("CREATE VIEW fresh_view AS SELECT m FROM {table}", "m"),
    Part("COMMENT ON TABLE {table} IS 'x'", "comment"),
    Part("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", "lock"),
    Part("LOCK TABLE {table} IN SHARE MODE", "lock"),
    Part("UPDATE {table} SET m = m + 1", "m"),
    Part("DELETE FROM {table} WHERE id < 0", "rows"),
    Part("SET LOCAL lock_timeout = '5s'", "setting"),
    Part("SET LOCAL statement_timeout = '60s'", "setting"),
    Part("SELECT 1", "nothing"),
    Part("DROP VIEW reader", "reader"),
    Part("ALTER TABLE far ADD COLUMN c int", "far"),
    Part("ANALYZE {table}", "analyze"),
]


def changes(kind: Kind) -> st.SearchStrategy[Part]:
    """Draw one change of ALTER TABLE that the kind of table can have."""
    if kind in {Kind.CHILD, Kind.PARTITION}:
        return st.sampled_from(CHANGES)
    return st.one_of(st.sampled_from(CHANGES), st.sampled_from(CHANGES_OF_OWN), new_columns())


def parts_of_one(part: Part) -> str:
    """Return what keeps two parts from being drawn together."""
    return part.touches


@st.composite
def columns_added(draw: st.DrawFn) -> Form:
    """Draw ADD COLUMN on one of the kinds of table that take it."""
    kind = draw(st.sampled_from([kind for kind in TABLES if kind is not Kind.PARTITION]))
    part = draw(new_columns())
    return Form(kind, (f"ALTER TABLE {kind.table} {part.sql}",), part.since)


@st.composite
def several_changes(draw: st.DrawFn) -> Form:
    """Draw ALTER TABLE with two or three changes."""
    kind = draw(st.sampled_from(TABLES))
    parts = st.lists(changes(kind), min_size=2, max_size=3, unique_by=parts_of_one)
    return _form(kind, [draw(parts)])


@st.composite
def several_statements(draw: st.DrawFn) -> Form:
    """Draw two to four statements in one transaction."""
    kind = draw(st.sampled_from(TABLES))
    one = st.one_of(st.sampled_from(STATEMENTS), changes(kind))
    parts = draw(st.lists(one, min_size=2, max_size=4, unique_by=parts_of_one))
    return _form(kind, [[part] for part in parts])


def _form(kind: Kind, statements: list[list[Part]]) -> Form:
    script = []
    for parts in statements:
        sql = ", ".join(part.sql for part in parts)
        whole = sql if parts[0] in STATEMENTS else f"ALTER TABLE {{table}} {sql}"
        script.append(whole.replace("{table}", kind.table).replace("{schema}", kind.schema))
    since = max(part.since for parts in statements for part in parts)
    return Form(kind, tuple(script), since)


def combined_forms() -> list[Form]:
    """Return the forms drawn, in the order drawn."""
    return [
        *draw_all(columns_added(), COLUMNS),
        *draw_all(several_changes(), CLAUSES),
        *draw_all(several_statements(), SCRIPTS),
    ]


def draw_all(strategy: st.SearchStrategy[Form], number: int) -> list[Form]:
    """Return so many examples, the same each time."""
    found: list[Form] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(form: Form) -> None:
        found.append(form)

    collect()
    return list(dict.fromkeys(found))
