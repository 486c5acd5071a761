"""Scripts for psql, with what is no SQL blanked."""

import pytest

from safemigrate.sql import blank_psql, find_psql_variable, split_statements


def statements(text: str) -> list[str]:
    blanked, _ = blank_psql(text)
    return [" ".join(piece.sql.split()) for piece in split_statements(blanked)]


def reasons(text: str) -> list[str]:
    _, skipped = blank_psql(text)
    return [piece.reason for piece in skipped]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\\set ON_ERROR_STOP on\nBEGIN; SELECT 1;", ["BEGIN", "SELECT 1"]),
        ("SELECT 1;\r\n\\echo it's done\r\nSELECT 2;\r\n", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1 \\gexec\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1\n\\gset a_\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1,\n\\echo between\n2;", ["SELECT 1, 2"]),
        ("SELECT 1\\; SELECT 2;", ["SELECT 1", "SELECT 2"]),
        ("COPY t FROM stdin;\n1\t'\n;\n\\.\nSELECT 2;", ["COPY t FROM stdin", "SELECT 2"]),
        ("copy t (a) From StdIn csv;\r\n1\r\n\\.\r\nB;", ["copy t (a) From StdIn csv", "B"]),
        ("COPY t FROM STDIN; -- rows\n$$\n\\.\nSELECT 2", ["COPY t FROM STDIN", "SELECT 2"]),
        ("COPY t FROM STDIN;\n\\.\nSELECT 2", ["COPY t FROM STDIN", "SELECT 2"]),
        ("COPY t FROM STDIN;\n1\nSELECT 2;", ["COPY t FROM STDIN"]),
        ("COPY t FROM STDIN", ["COPY t FROM STDIN"]),
        ("\\set x 1 \\\\ DROP TABLE t;", ["DROP TABLE t"]),
        ("\\echo 'it\\'s' \"\\\" `\\` \\\\ SELECT 1;", ["SELECT 1"]),
        ("\\echo a \\echo b\nSELECT 1;", ["SELECT 1"]),
        ("\\echo 'open \\\\ SELECT 1;\nSELECT 2;", ["SELECT 2"]),
        ("SELECT 1 \\bind 1 \\g\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT 1 \\g | cat \\\\ x\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        ("SELECT $1 \\parse a\nSELECT 2", ["SELECT $1", "SELECT 2"]),
        ("SELECT 1 \\r\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        ("\\! echo \\\\ x\nSELECT 2", ["SELECT 2"]),
        ("\\copy t (a) from stdin\n1;'\n\\.\nSELECT 2", ["SELECT 2"]),
        ("\\copy (SELECT 1) to 'from stdin'\nSELECT 2", ["SELECT 2"]),
        ("\\copy t from pstdin\nSELECT 2", ["SELECT 2"]),
        ("SELECT (1; COPY t FROM stdin;\n'\n\\.\nB;", ["SELECT (1", "COPY t FROM stdin", "B"]),
        ("\\", []),
    ],
)
def test_what_only_psql_understands_is_no_statement(text: str, expected: list[str]) -> None:
    assert statements(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'a\n\\set b' AS c;",
        "SELECT E'it\\'s ''\n\\set b';",
        'SELECT 1 AS "a\n\\b";',
        "DO $$ BEGIN\n\\set x\nEND $$;",
        "DO $a$ BEGIN $$\n\\set x $$ END $a$;",
        "-- a \\set\nSELECT 1;",
        "/* a /* b */\n\\set */ SELECT 1;",
        "SELECT 'never closed\n\\set x",
        "/* never closed\n\\set x",
        "COPY t TO STDOUT;\n-- stdin",
        "COPY (SELECT 'from stdin' FROM stdin) TO STDOUT;\nSELECT 1;",
        "SELECT a FROM stdin;\nSELECT 1;",
        "CREATE TABLE t (copy text);\nSELECT '\\.';",
        "SELECT $1, a$b$c FROM t WHERE x = E'\\\\';",
    ],
)
def test_strings_comments_and_other_statements_stay_as_they_are(text: str) -> None:
    assert blank_psql(text) == (text, ())


def test_lines_and_offsets_stay() -> None:
    text = "\\set é 'x\nSELECT 'é';\nCOPY t FROM stdin;\né\t1\r\n\\.\nSELECT 2;"

    blanked, skipped = blank_psql(text)

    assert len(blanked) == len(text)
    assert [line.endswith("\r") for line in blanked.split("\n")] == [
        line.endswith("\r") for line in text.split("\n")
    ]
    for piece in split_statements(blanked):
        assert text[piece.offset :].startswith(piece.sql)
    assert [text.count("\n", 0, piece.offset) + 1 for piece in skipped] == [1, 4]


def test_reasons_say_what_is_skipped_and_not_what_it_says() -> None:
    text = (
        "\\set password hunter2\n\\i other.sql\nSELECT 'x' \\gexec\n"
        "COPY t FROM stdin;\n1\n\\.\n\\.\nCOPY u FROM stdin;\n\\.\n"
    )

    assert reasons(text) == [
        'psql meta-command "\\set", which is no SQL',
        'psql meta-command "\\i": the file it names is not read',
        'psql meta-command "\\gexec": the statements it makes are not known',
        "rows of COPY, which change no schema",
        'psql meta-command "\\.", which is no SQL',
    ]


def test_statements_are_hidden_by_included_files_and_those_made_on_the_way() -> None:
    text = "\\set a b\n\\ir other.sql\nSELECT 'x' \\gexec\nCOPY t FROM stdin;\n1\n\\.\n"

    _, skipped = blank_psql(text)

    assert [piece.hides_statements for piece in skipped] == [False, True, True, False]


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("DROP TABLE :name", ":name"),
        ('DROP TABLE :"a b"', None),
        ('DROP TABLE :"a"', ':"a"'),
        ("SELECT :'a' FRM b c", ":'a'"),
        ("SELECT 1 LIMIT:n", ":n"),
        ("SELEKT ':a' -- :b\n/* :c */ $$ :d $$ \":e\"", None),
        ("SELEKT a::int", None),
        ("SELECT a[1:n]", None),
        ("SELECT 1", None),
        ("SELECT :a" + " + 1" * 60_000, None),
    ],
)
def test_a_variable_is_one_outside_of_strings_that_hinders_the_parser(
    sql: str, found: str | None
) -> None:
    assert find_psql_variable(sql) == found
