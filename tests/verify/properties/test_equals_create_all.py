"""The history makes nothing that create_all() of the models does not make."""

from pathlib import Path

import pytest

from safemigrate.config import VerifyChoices
from safemigrate.model import Property, Standing
from safemigrate.server import Server
from safemigrate.source import open_project
from safemigrate.verify import verify_history
from tests.verify.conftest import Scaffold
from tests.verify.models import write_models

ROOT = Path(__file__).parents[3]
SUBJECT = Property.EQUALS_CREATE_ALL

MODEL = """
class Item(Base):
    __tablename__ = "item"
    id = orm.mapped_column(sa.Integer, primary_key=True)
    code = orm.mapped_column(sa.String(20), nullable=False)
"""
TABLE = "CREATE TABLE item (id serial PRIMARY KEY, code varchar(20) NOT NULL)"


def test_what_no_model_has_is_named(anywhere: Scaffold) -> None:
    write_models(anywhere, MODEL)
    anywhere.add("one", TABLE, "DROP TABLE item")
    good = anywhere.check(SUBJECT)
    anywhere.add("two", "ALTER TABLE item ADD COLUMN old int", "ALTER TABLE item DROP COLUMN old")
    bad = anywhere.check(SUBJECT)

    assert good.standing is Standing.HOLDS
    assert bad.standing is Standing.BROKEN
    assert bad.reason == "column public.item.old is made by the history, and no model declares it"
    assert bad.details == (bad.reason,)
    assert "include_object" in bad.help


def test_exactly_this_property_is_broken(scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL)
    scaffold.add(
        "one",
        f"{TABLE}\nCREATE TABLE rest (id int PRIMARY KEY)",
        "DROP TABLE item\nDROP TABLE rest",
    )

    assert scaffold.broken() == {SUBJECT}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE TABLE rest (id int UNIQUE)", "table public.rest"),
        ("CREATE INDEX left ON item (code)", None),
        ("CREATE INDEX left_i ON item (code)", "index public.left_i"),
        ("ALTER TABLE item ADD CONSTRAINT c CHECK (id > 0)", "constraint public.item.c"),
        ("ALTER TABLE item ADD UNIQUE (code)", "constraint public.item.item_code_key"),
        ("CREATE TYPE mood AS ENUM ('sad')", "enum public.mood"),
        ("CREATE DOMAIN d AS int", "domain public.d"),
        ("CREATE SEQUENCE s", "sequence public.s"),
        ("COMMENT ON TABLE item IS 'x'", "comment table public.item"),
        ("COMMENT ON COLUMN item.code IS 'x'", "comment table column public.item.code"),
        ('CREATE SCHEMA "S"; CREATE TABLE "S"."T" (id int)', 'table "S"."T"'),
    ],
)
def test_each_kind_of_leftover_is_one_line(
    statement: str, words: str | None, scaffold: Scaffold
) -> None:
    if words is None:
        statement, words = statement.replace("left ", '"left" '), 'index public."left"'
    write_models(scaffold, MODEL)
    scaffold.add("one", "\n".join((TABLE, *statement.split("; "))), "pass")

    check = scaffold.check(SUBJECT)

    assert check.details == (f"{words} is made by the history, and no model declares it",)
    assert scaffold.check(Property.MATCHES_MODELS).standing is Standing.HOLDS


@pytest.mark.parametrize(
    "options",
    [
        ", include_object=lambda o, name, type_, *rest: not (type_ == 'table' and name == 'rest')",
        ", include_name=lambda name, type_, parents: not (type_ == 'table' and name == 'rest')",
    ],
    ids=["object", "name"],
)
def test_tables_that_env_py_leaves_out_are_left_out(options: str, scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL, options=options)
    rest = "CREATE TABLE rest (id serial PRIMARY KEY, i int REFERENCES item)"
    index = "CREATE INDEX r ON rest (i)"
    scaffold.add("one", f"{TABLE}\n{rest}\n{index}\nCOMMENT ON TABLE rest IS 'x'", "pass")

    for subject in (SUBJECT, Property.MATCHES_MODELS):
        check = scaffold.check(subject)
        assert check.standing is Standing.HOLDS, check


@pytest.mark.parametrize(
    "options",
    [
        ", include_object=lambda o, name, type_, *rest: not (name or '').startswith('by_hand')",
        ", include_name=lambda name, type_, parents: not (name or '').startswith('by_hand')",
    ],
    ids=["object", "name"],
)
def test_indexes_and_columns_that_env_py_leaves_out_are_left_out(
    options: str, scaffold: Scaffold
) -> None:
    write_models(scaffold, MODEL, options=options)
    scaffold.add(
        "one",
        f"{TABLE}\nCREATE INDEX by_hand_i ON item (code)\nALTER TABLE item ADD by_hand_c int"
        "\nALTER TABLE item ADD CONSTRAINT by_hand_u UNIQUE (id, code)",
        "pass",
    )

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.HOLDS, check


def test_models_that_nobody_imported_are_told(scaffold: Scaffold) -> None:
    write_models(scaffold, "", target="Base.metadata")
    scaffold.add("one", TABLE, "DROP TABLE item")

    check = scaffold.check(SUBJECT)

    assert check.reason == (
        "the metadata has no tables at all: env.py imports no models; and 1 more"
    )


def test_another_order_of_columns_is_a_remark(scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL)
    scaffold.add("one", TABLE.replace("(id serial", "(z int, id serial"), "DROP TABLE item")
    scaffold.add(
        "two",
        "ALTER TABLE item DROP COLUMN z\nALTER TABLE item DROP COLUMN id\n"
        "ALTER TABLE item ADD id serial PRIMARY KEY",
        "pass",
    )

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.HOLDS
    assert check.details == ("column order of public.item: id, code -> code, id",)


def test_the_reference_history_has_its_models(embedded_server: Server) -> None:
    choices = VerifyChoices(selected=("models", "single-head"))

    proof = verify_history(open_project(ROOT / "alembic.ini"), embedded_server, choices=choices)

    assert {one.subject: one.standing for one in proof.checks} == dict.fromkeys(
        (
            Property.SINGLE_HEAD,
            Property.MATCHES_MODELS,
            Property.REGISTERS_MODELS,
            SUBJECT,
        ),
        Standing.HOLDS,
    )


def test_a_history_that_does_not_apply_leaves_it_open(scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL)
    scaffold.add("one", "CREATE TABLE item (id no_such_type)", "pass")

    check = scaffold.check(SUBJECT)

    assert (check.standing, check.reason) == (
        Standing.UNKNOWN,
        "not every revision could be applied",
    )
