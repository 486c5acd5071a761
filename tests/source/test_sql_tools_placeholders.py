"""Placeholders of templates: what stands for them, and what they leave unknown."""

import pytest

from safemigrate.source.sql_tools.placeholders import fill_placeholders
from safemigrate.source.sql_tools.scripts import Script, read_script


def read(text: str) -> Script:
    return read_script("a.sql", text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DROP TABLE ${schema}.t", "DROP TABLE schema   .t"),
        ("DROP TABLE {{ schema }}.t", "DROP TABLE schema      .t"),
        ("DROP TABLE {{.Env.DB_SCHEMA}}.t", "DROP TABLE env_db_schema     .t"),
        ("DROP TABLE $(schema).t", "DROP TABLE schema   .t"),
        ("DROP TABLE %%name%%", "DROP TABLE name"),
        ("DROP TABLE old_${env}", "DROP TABLE old_env"),
        ("DROP TABLE ${env}_old", "DROP TABLE    env_old"),
        ("DROP TABLE a_${env}_old", "DROP TABLE a_env____old"),
        ("DROP TABLE ${table}", "DROP TABLE table_"),
        ("DROP TABLE ${1}", "DROP TABLE _1"),
        ("ALTER ROLE a PASSWORD ${secret}", "ALTER ROLE a PASSWORD 'secret'"),
        ("CREATE TABLE t (a varchar(${n}))", "CREATE TABLE t (a varchar(1   ))"),
        (
            "CREATE TABLE ${s}.t (a varchar(${n})) ${options}",
            "CREATE TABLE s   .t (a varchar(1   ))",
        ),
        ('DROP TABLE "${schema}".t', 'DROP TABLE "${schema}".t'),
        (
            "DO $$ BEGIN DROP TABLE ${s}.t; END $$",
            "DO $$ BEGIN DROP TABLE s   .t; END $$",
        ),
    ],
)
def test_placeholder_becomes_what_makes_it_a_statement(text: str, expected: str) -> None:
    script = read(text)

    (statement,) = script.statements
    assert statement.sql == expected
    assert statement.is_assumed
    assert script.unjudged == ()
    assert script.placeholders > 0


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '${x} {{ y }}'",
        "SELECT 1 -- ${x}",
        "SELECT /* {{ x }} */ 1",
        "INSERT INTO mail VALUES ($$Dear {{ name }}$$)",
        "SELECT 5 % 3, a[1:2], '{a}'::text[]",
        "SELECT $1, $$a$$",
    ],
)
def test_text_without_placeholders_is_left_alone(text: str) -> None:
    script = read(text)

    assert [one.is_assumed for one in script.statements] == [False]
    assert script.placeholders == 0
    assert script.assumptions == ()


def test_rows_of_copy_have_no_placeholders() -> None:
    script = read("COPY t FROM stdin;\n{{1,2},{3,4}}\n\\.\nSELECT 1;\n")

    assert script.placeholders == 0


def test_places_stay_what_they_are() -> None:
    text = "SELECT 1; DROP TABLE ${schema}.t;\n{{ x\n }} SELECT 2;"

    filled = fill_placeholders(text)

    assert len(filled.text) == len(text)
    assert [one.isspace() for one in filled.text if one in "\r\n"] == [True, True]
    assert [one.span.column for one in read(text).statements] == [1, 11, 5]


@pytest.mark.parametrize("text", ["a_{{ x\n}}_b", "{{\nlong_name\r\n}}", "a{% if\n x %}b"])
def test_lines_in_a_placeholder_stay(text: str) -> None:
    filled = fill_placeholders(text).text

    assert len(filled) == len(text)
    assert [at for at, letter in enumerate(filled) if letter in "\r\n"] == [
        at for at, letter in enumerate(text) if letter in "\r\n"
    ]


def test_placeholder_that_may_be_any_statement_hides_statements() -> None:
    script = read("{{ macro() }}\nSELECT 1;\n${everything};\n")

    assert [one.sql for one in script.statements] == ["SELECT 1"]
    assert [(one.line, one.reason, one.hides_statements) for one in script.unjudged] == [
        (1, "what {{ macro() }} stands for is not known", True),
        (3, "what ${everything} stands for is not known", True),
    ]
    assert script.placeholders == 0


def test_statements_between_blocks_are_assumed() -> None:
    script = read(
        "SELECT 1;\n{% if it's %}\nSELECT 2;\n{% else %}\nSELECT 3;\n{% endif %}\nSELECT 4;\n"
    )

    assert [(one.sql, one.is_assumed) for one in script.statements] == [
        *(("SELECT 1", False), ("SELECT 2", True), ("SELECT 3", True), ("SELECT 4", False)),
    ]
    assert [(one.line, one.reason) for one in script.assumptions] == [
        (2, "{% if it's %} is taken for a block that runs once"),
        (4, "{% else %} is taken for a block that runs once"),
        (6, "{% endif %} is taken for a block that runs once"),
    ]


def test_placeholder_is_assumed_once_where_it_stands_first() -> None:
    script = read("SELECT 1;\nDROP TABLE ${s}.a;\nDROP TABLE ${s}.b;\n")

    assert [(one.line, one.reason) for one in script.assumptions] == [
        (2, "${s} is taken for a name or a value")
    ]
    assert script.placeholders == 2


def test_statement_that_no_value_makes_one_is_not_judged() -> None:
    script = read("SELEC ${a};\n")

    assert script.statements == ()
    assert [one.line for one in script.unjudged] == [1]


def test_many_placeholders_are_read_in_time() -> None:
    script = read("DROP TABLE ${s}.t;\n" * 5000)

    assert script.placeholders == len(script.statements) == 5000
