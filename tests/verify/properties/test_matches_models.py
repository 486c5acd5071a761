"""What the models declare is in the schema that the history makes, as they declare it."""

from pathlib import Path

import pytest

from safemigrate.errors import ConfigError
from safemigrate.model import Property, Standing
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold
from tests.verify.models import BASE, write_models

SUBJECT = Property.MATCHES_MODELS

MODEL = """
class Item(Base):
    __tablename__ = "item"
    id = orm.mapped_column(sa.Integer, primary_key=True)
    code = orm.mapped_column(sa.String(20), nullable=False)
    {more}
"""
TABLE = "CREATE TABLE item (id serial PRIMARY KEY, code varchar(20) NOT NULL{})"


def add(scaffold: Scaffold, *statements: str) -> None:
    scaffold.add("one", "\n".join(statements), "DROP TABLE item CASCADE")


def test_a_model_that_the_history_does_not_make_is_named(anywhere: Scaffold) -> None:
    write_models(anywhere, MODEL.format(more="price = orm.mapped_column(sa.Numeric(10, 2))"))
    add(anywhere, TABLE.format(""))
    bad = anywhere.check(SUBJECT)
    anywhere.add(
        "two",
        "ALTER TABLE item ADD COLUMN price numeric(10, 2)",
        "ALTER TABLE item DROP COLUMN price",
    )
    good = anywhere.check(SUBJECT)

    assert bad.standing is Standing.BROKEN
    assert bad.reason == (
        "column public.item.price is in the models, and the history does not make it"
    )
    assert "    op.add_column('item', sa.Column('price', sa.Numeric(precision=10, scale=2), " in (
        "\n".join(bad.details)
    )
    assert (good.standing, good.reason) == (
        Standing.HOLDS,
        "1 table of the models are in the schema as declared",
    )


def test_exactly_this_property_is_broken(scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL.format(more=""))
    add(scaffold, TABLE.format("").replace("varchar(20)", "varchar(30)"))

    assert scaffold.broken() == {SUBJECT}


def test_what_the_history_has_besides_breaks_another_property(scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL.format(more=""))
    add(scaffold, TABLE.format(", old int"), "CREATE TABLE rest (id int)")

    assert scaffold.check(SUBJECT).standing is Standing.HOLDS
    assert scaffold.check(Property.EQUALS_CREATE_ALL).standing is Standing.BROKEN


# What the models have in a column or below it, what the history has, and what is said of it.
DRIFT = {
    "nullable": ("", TABLE.format("").replace(" NOT NULL", ""), "not null yes in the models, none"),
    "a time and a text": (
        "n = orm.mapped_column(sa.Text, server_default='CURRENT_TIMESTAMP')",
        TABLE.format(", n text DEFAULT 'now()'"),
        "column public.item.n: default 'CURRENT_TIMESTAMP'::text in the models, 'now()'::text in",
    ),
    "a time and a shorter one": (
        "n = orm.mapped_column(sa.DateTime(True), server_default=sa.text('CURRENT_TIMESTAMP(3)'))",
        TABLE.format(", n timestamptz DEFAULT now()"),
        "column public.item.n: default CURRENT_TIMESTAMP(3) in the models, now() in the history",
    ),
    "default": (
        "n = orm.mapped_column(sa.Integer, server_default='1')",
        TABLE.format(", n int DEFAULT 2"),
        "column public.item.n: default 1 in the models, 2 in the history",
    ),
    "check of the same name": (
        "__table_args__ = (sa.CheckConstraint('id > 1', name='big'),)",
        TABLE.format(", CONSTRAINT big CHECK (id > 0)"),
        "constraint public.item.big: CHECK ((id > 1)) in the models, CHECK ((id > 0)) in the",
    ),
    "not valid": (
        "__table_args__ = (sa.CheckConstraint('id > 1', name='big'),)",
        TABLE.format("") + "; ALTER TABLE item ADD CONSTRAINT big CHECK (id > 1) NOT VALID",
        "NOT VALID in the history; valid none in the models, no in the history",
    ),
    "unique": (
        "__table_args__ = (sa.UniqueConstraint('code', name='one_code'),)",
        TABLE.format(""),
        "constraint public.item.one_code is in the models",
    ),
    "partial index": (
        "__table_args__ = (sa.Index('i', 'code', postgresql_where=sa.text('id > 0')),)",
        TABLE.format("") + "; CREATE INDEX i ON item (code)",
        "index public.i: CREATE INDEX i ON public.item USING btree (code) WHERE (id > 0) in the",
    ),
    "enum": (
        "m = orm.mapped_column(sa.Enum('sad', 'happy', name='mood'))",
        "CREATE TYPE mood AS ENUM ('happy', 'sad'); " + TABLE.format(", m mood"),
        "enum public.mood: labels 'sad', 'happy' in the models, 'happy', 'sad' in the history",
    ),
    "comment": (
        "n = orm.mapped_column(sa.Integer, comment='how many')",
        TABLE.format(", n int"),
        "comment table column public.item.n is in the models",
    ),
    "on delete": (
        "p = orm.mapped_column(sa.ForeignKey('item.id', name='up', ondelete='CASCADE'))",
        TABLE.format(", p int CONSTRAINT up REFERENCES item"),
        "constraint public.item.up: FOREIGN KEY (p) REFERENCES public.item(id) ON DELETE CASCADE",
    ),
    "identity": (
        "n = orm.mapped_column(sa.Integer, sa.Identity(always=True))",
        TABLE.format(", n int GENERATED BY DEFAULT AS IDENTITY"),
        "identity always in the models, by default in the history",
    ),
    "name of a constraint": (
        "__table_args__ = (sa.CheckConstraint('id > 1', name='big'),)",
        TABLE.format(", CONSTRAINT large CHECK (id > 1)"),
        "constraint public.item.big differs by name only: the history calls it large",
    ),
    "name of an index": (
        "__table_args__ = (sa.Index('i', 'code'),)",
        TABLE.format("") + "; CREATE INDEX j ON item (code)",
        "index public.i differs by name only: the history calls it j",
    ),
    "a view in its place": (
        "",
        "CREATE TABLE things (id int, code varchar(20)); CREATE VIEW item AS TABLE things",
        "table public.item is in the models, and the history does not make it: there is a view of",
    ),
}


@pytest.mark.parametrize("name", DRIFT)
def test_drift_is_told_in_words(name: str, scaffold: Scaffold) -> None:
    more, table, words = DRIFT[name]
    write_models(scaffold, MODEL.format(more=more))
    scaffold.add("one", table.replace("; ", "\n"), "pass")

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.BROKEN, check
    assert any(words in line for line in check.details), check.details


# What Alembic's comparison of texts, or of everything, takes for drift.
SAME = {
    "a default in other words": (
        "n = orm.mapped_column(sa.Text, server_default=sa.text(\"lower('X')\"))",
        TABLE.format(", n text DEFAULT lower('X'::text)"),
    ),
    "the time in other words": (
        "n = orm.mapped_column(sa.DateTime(True), server_default=sa.text('CURRENT_TIMESTAMP'))",
        TABLE.format(", n timestamptz DEFAULT now()"),
    ),
    "the time in others yet": (
        "n = orm.mapped_column(sa.Text, server_default=sa.text(\"'CURRENT_TIMESTAMP' || now()\"))",
        TABLE.format(", n text DEFAULT 'CURRENT_TIMESTAMP' || transaction_timestamp()"),
    ),
    "no elements in other words": (
        "n = orm.mapped_column(sa.ARRAY(sa.Integer), server_default=sa.text('ARRAY[]::int[]'))",
        TABLE.format(", n int[] DEFAULT '{{}}'"),
    ),
    "a check in other words": (
        "__table_args__ = (sa.CheckConstraint(\"code in ('a','b')\", name='c'),)",
        TABLE.format(", CONSTRAINT c CHECK (code = ANY (ARRAY['a'::varchar, 'b'::varchar]))"),
    ),
    "an enum with a check": (
        (
            "m = orm.mapped_column(sa.Enum('a', 'b', name='m', native_enum=False,"
            " create_constraint=True, length=5))"
        ),
        TABLE.format(", m varchar(5) CONSTRAINT m CHECK (m IN ('a', 'b'))"),
    ),
    "a constraint that nobody named": (
        "n = orm.mapped_column(sa.Integer, unique=True)",
        TABLE.format(", n int CONSTRAINT uq_item_n UNIQUE"),
    ),
    "a table with another name before": (
        "",
        TABLE.format("").replace("TABLE item", "TABLE thing") + "; ALTER TABLE thing RENAME TO item"
        "; ALTER INDEX thing_pkey RENAME TO item_pkey",
    ),
    "triggers, policies, views, functions": (
        "",
        "; ".join(
            (
                TABLE.format(""),
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW;END'",
                "CREATE TRIGGER t BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION f()",
                "ALTER TABLE item ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY p ON item USING (true)",
                "CREATE VIEW v AS TABLE item",
                "GRANT SELECT ON item TO PUBLIC",
                "ALTER TABLE item SET (fillfactor = 70)",
                "CREATE EXTENSION pg_trgm",
                "CREATE STATISTICS s ON id, code FROM item",
                "COMMENT ON VIEW v IS 'x'",
            )
        ),
    ),
    "a function of the history": (
        "n = orm.mapped_column(sa.Integer, server_default=sa.text('next_number()'))",
        "CREATE FUNCTION next_number() RETURNS int LANGUAGE sql AS 'SELECT 1'; "
        + TABLE.format(", n int DEFAULT next_number()"),
    ),
    "an extension's type": (
        "n = orm.mapped_column(postgresql.CITEXT)",
        "CREATE EXTENSION citext; " + TABLE.format(", n citext"),
    ),
    "partitions": (
        "__table_args__ = {'postgresql_partition_by': 'RANGE (id)'}",
        TABLE.format("") + " PARTITION BY RANGE (id); CREATE TABLE p PARTITION OF item DEFAULT"
        "; CREATE INDEX only_there ON p (code)",
    ),
    "another order of columns": (
        "a = orm.mapped_column(sa.Integer)",
        TABLE.format("").replace("(id", "(a int, id"),
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_what_is_the_same_in_other_words_holds(name: str, scaffold: Scaffold) -> None:
    more, table = SAME[name]
    write_models(scaffold, MODEL.format(more=more))
    scaffold.add("one", table.replace("; ", "\n"), "pass")

    for subject in (SUBJECT, Property.EQUALS_CREATE_ALL):
        check = scaffold.check(subject)
        assert check.standing is Standing.HOLDS, check


def test_a_convention_gives_the_names(scaffold: Scaffold) -> None:
    head = BASE.replace(
        "    pass", "    metadata = sa.MetaData(naming_convention={'uq': 'uq_%(column_0_name)s'})"
    )
    more = "n = orm.mapped_column(sa.Integer, unique=True)"
    write_models(scaffold, MODEL.format(more=more), head=head)
    add(scaffold, TABLE.format(", n int UNIQUE"))

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.BROKEN
    assert check.reason == (
        "constraint public.item.uq_n differs by name only: the history calls it item_n_key"
    )


def test_a_schema_of_models_that_nobody_makes_is_told(scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL.format(more="__table_args__ = {'schema': 'Sales'}"))
    scaffold.add("one", "CREATE TABLE item (id int)", "DROP TABLE item")

    check = scaffold.check(SUBJECT)

    assert check.reason.startswith("schema Sales is in the models")
    assert 'table "Sales".item is in the models, and the history does not make it' in check.details


def test_several_metadata_are_one(scaffold: Scaffold) -> None:
    other = """
other = sa.MetaData()
sa.Table("beside", other, sa.Column("id", sa.Integer, primary_key=True))
TARGETS = [Base.metadata, other]
"""
    write_models(scaffold, MODEL.format(more="") + other, target="TARGETS")
    add(scaffold, TABLE.format(""))

    check = scaffold.check(SUBJECT)

    assert check.reason == "table public.beside is in the models, and the history does not make it"


def test_models_may_be_named_in_the_configuration(scaffold: Scaffold) -> None:
    package = write_models(scaffold, MODEL.format(more=""), target="Base and None")
    add(scaffold, TABLE.format(", old int"))
    named = (f"{package}.models:Base",)

    assert scaffold.check(SUBJECT).standing is Standing.UNASKED
    assert scaffold.check(SUBJECT, metadata=named).standing is Standing.HOLDS
    other = scaffold.check(Property.EQUALS_CREATE_ALL, metadata=named)
    assert other.standing is Standing.BROKEN


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module:Base", '"no_such_module:Base" cannot be loaded: ModuleNotFoundError'),
        ("json:dumps", '"json:dumps" is neither a MetaData nor has one'),
        ("json", '"json" is neither a MetaData nor has one'),
    ],
)
def test_a_name_that_leads_nowhere_is_told(name: str, words: str, scaffold: Scaffold) -> None:
    add(scaffold, TABLE.format(""))

    with pytest.raises(ConfigError) as raised:
        scaffold.check(SUBJECT, metadata=(name,))

    assert raised.value.message.startswith(words)
    assert 'metadata = ["app.models:Base.metadata"]' in raised.value.hint


def test_without_metadata_nothing_is_asked(scaffold: Scaffold) -> None:
    add(scaffold, TABLE.format(""))

    for subject in (SUBJECT, Property.EQUALS_CREATE_ALL, Property.REGISTERS_MODELS):
        check = scaffold.check(subject)
        assert check.standing is Standing.UNASKED
        assert check.reason == "env.py gives context.configure() no target_metadata"
        assert "target_metadata" in check.help


def test_models_that_cannot_be_made_leave_it_open(scaffold: Scaffold) -> None:
    more = "n = orm.mapped_column(sa.Integer, server_default=sa.text('no_such()'))"
    write_models(scaffold, MODEL.format(more=more))
    add(scaffold, TABLE.format(", n int"))

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.UNKNOWN
    assert check.reason == (
        "create_all() of the models fails: 42883: function no_such() does not exist"
    )


def test_what_create_all_makes_besides_is_made_in_an_empty_database(scaffold: Scaffold) -> None:
    event = """
    sa.event.listen(
        Base.metadata,
        "before_create",
        sa.DDL("CREATE FUNCTION stamp() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    )
    """
    model = MODEL.format(
        more="n = orm.mapped_column(sa.Integer, server_default=sa.text('stamp()'))"
    )
    text = model + "\n" + "\n".join(line[4:] for line in event.splitlines())
    write_models(scaffold, text)
    add(
        scaffold,
        "CREATE FUNCTION stamp() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        TABLE.format(", n int DEFAULT stamp()"),
    )

    assert scaffold.check(SUBJECT).standing is Standing.HOLDS


def test_models_are_made_where_env_py_works(scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL.format(more=""))
    env = scaffold.folder / "migrations" / "env.py"
    there = """
    connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS firm; SET search_path = firm"))
    connection.commit()
    context.configure("""
    env.write_text(env.read_text().replace("\n    context.configure(", there))
    add(scaffold, TABLE.format(", old int"))

    assert scaffold.check(SUBJECT).standing is Standing.HOLDS
    other = scaffold.check(Property.EQUALS_CREATE_ALL)
    assert other.reason.startswith("column firm.item.old is made by the history")


def test_a_filter_that_fails_is_no_crash(scaffold: Scaffold) -> None:
    write_models(
        scaffold,
        MODEL.format(more=""),
        options=", include_object=lambda *arguments: arguments[0].no_such_thing",
    )
    add(scaffold, TABLE.format(""))

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.UNKNOWN
    assert "AttributeError" in check.reason


@pytest.mark.parametrize("major", proof_versions())
def test_models_are_compared_on_every_major(
    major: int, proof_servers: ProofServers, tmp_path: Path
) -> None:
    scaffold = Scaffold(tmp_path, proof_servers[major])
    scaffold.write()
    more = "n = orm.mapped_column(sa.Integer, sa.ForeignKey('item.id'), nullable=False)"
    write_models(scaffold, MODEL.format(more=more))
    add(scaffold, TABLE.format(", n int NOT NULL REFERENCES item"))

    for subject in (SUBJECT, Property.EQUALS_CREATE_ALL):
        assert scaffold.check(subject).standing is Standing.HOLDS
