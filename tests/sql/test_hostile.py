"""Text of any kind is read without a traceback, without a hang, and in bounded memory."""

import re
import subprocess
import sys

import postgast
import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import UnreadSql
from safemigrate.sql import (
    blank_psql,
    find_psql_variable,
    read_actions,
    read_comments,
    split_statements,
)
from safemigrate.sql.lexing import lex
from safemigrate.sql.parser import Token, character_positions, nodes, read_tokens
from tests.sql.mutations import STATEMENTS, STEADY, hostile_text


@STEADY
@given(hostile_text)
def test_pieces_stand_in_order_and_all_else_is_blank_or_comment(text: str) -> None:
    end = 0
    for kind, start, stop in lex(text):
        assert not text[end:start].strip(" \t\n\r\f\v"), kind
        assert end <= start < stop
        end = stop
    assert not text[end:].strip(" \t\n\r\f\v")


@STEADY
@given(hostile_text)
def test_nothing_is_lost_between_the_statements(text: str) -> None:
    end = 0
    for statement in split_statements(text):
        gap = text[end : statement.offset]
        assert {kind for kind, _, _ in lex(gap)} <= {"semicolon", "comment", "block"}
        assert statement.sql
        assert text.startswith(statement.sql, statement.offset)
        end = statement.offset + len(statement.sql)
    assert {kind for kind, _, _ in lex(text[end:])} <= {"semicolon", "comment", "block"}


@STEADY
@given(hostile_text)
def test_a_script_for_psql_keeps_its_length_and_its_lines(text: str) -> None:
    blanked, skipped = blank_psql(text)
    assert len(blanked) == len(text)
    ends = [at for at, letter in enumerate(text) if letter in "\r\n"]
    assert [at for at, letter in enumerate(blanked) if letter in "\r\n"] == ends
    assert all(0 <= piece.offset < len(text) for piece in skipped)


@STEADY
@given(hostile_text)
def test_comments_begin_with_dashes(text: str) -> None:
    for comment in read_comments(text):
        assert text.startswith("--", comment.offset)
        assert comment.text in text


@STEADY
@given(hostile_text)
def test_a_statement_has_actions_or_a_syntax_error_in_it(text: str) -> None:
    for statement in split_statements(blank_psql(text)[0]):
        find_psql_variable(statement.sql)
        fault = _fault(statement.sql)
        if fault is not None:
            assert 0 < len(fault.message) < 500
            assert 0 <= fault.offset <= len(statement.sql)


def _fault(sql: str) -> SqlSyntaxError | None:
    try:
        assert read_actions(sql)
    except SqlSyntaxError as error:
        return error
    return None


@STEADY
@given(hostile_text)
def test_what_the_scanner_takes_is_split_and_commented_as_its_tokens_say(text: str) -> None:
    try:
        tokens = read_tokens(text)
    except SqlSyntaxError:
        reject()
    # Where the parts of such a string have comments in between, the manual and the scanner differ.
    assume("--" not in text or re.search("[eE]'", text) is None)

    code = [piece for piece in lex(text) if piece[0] not in {"block", "comment"}]
    extents = [(token.start, token.end) for token in tokens]
    assert _join(code, {token.start for token in tokens}) == extents
    assert [comment.offset for comment in read_comments(text)] == _scan_comments(text)
    if not {"ATOMIC", "RULE"} & set(re.findall("[A-Z]+", text.upper())):
        pieces = [(one.offset, one.offset + len(one.sql)) for one in split_statements(text)]
        assert pieces == _split_tokens(tokens)


def _join(pieces: list[tuple[str, int, int]], starts: set[int]) -> list[tuple[int, int]]:
    """Return the extents of the pieces, those that begin no token joined to the one before."""
    joined: list[tuple[int, int]] = []
    for _, start, end in pieces:
        if start in starts or not joined:
            joined.append((start, end))
        else:
            joined[-1] = (joined[-1][0], end)
    return joined


def _scan_comments(text: str) -> list[int]:
    to_character = character_positions(text)
    kind = nodes.Token.SQL_COMMENT
    return [to_character(one.start) for one in postgast.scan(text).tokens if one.token == kind]


def _split_tokens(tokens: list[Token]) -> list[tuple[int, int]]:
    """Return the extents of what stands between the semicolons."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "ASCII_59":
            parts.append([])
        else:
            parts[-1].append(token)
    return [(part[0].start, part[-1].end) for part in parts if part]


BROKEN = (
    "CREATE TABEL x (a int)",
    "SELECT (1",
    "SELECT ((CASE [",
    "ALTER TABLE t ADD COLUMN",
    "CREATE RULE r AS ON INSERT TO t DO (SELECT 1",
    "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE",
    "CREATE FUNCTION f() RETURNS int AS $$ ( ' /* $$",
    "DO $$ BEGIN $$",
    "SELECT \x00",
    ")",
    "/* ' */ SELEKT -- '\n",
)


@STEADY
@given(
    st.sampled_from(STATEMENTS),
    st.lists(st.sampled_from(BROKEN), min_size=1, max_size=3),
    st.sampled_from(STATEMENTS),
)
def test_bad_statements_hide_no_other(before: str, bad: list[str], after: str) -> None:
    assume(not after.upper().startswith("END"))
    text = ";\n".join((before, *bad, "-- and\n" + after)) + ";"

    found = [statement.sql for statement in split_statements(text)]

    assert found[0] == before
    assert found[-1] == after


def repeat(before: str, part: str, between: str, times: int, after: str = "") -> str:
    return before + between.join([part] * times) + after


WIDE = {
    "300 columns": repeat("CREATE TABLE t (", "c text NOT NULL DEFAULT 1", ", ", 300, ")"),
    "50,000 in a list": repeat("DELETE FROM t WHERE a IN (", "1", ", ", 50_000, ")"),
    "100,000 rows": repeat("INSERT INTO t VALUES ", "(1)", ", ", 100_000),
    "2,000 concatenated": repeat("UPDATE t SET a = ", "b", " || ", 2_000),
    "5,000 alternatives": repeat("UPDATE t SET a = 1 WHERE ", "b = 2", " OR ", 5_000),
    "5,000 cases": repeat("UPDATE t SET a = CASE b ", "WHEN 1 THEN 2", " ", 5_000, " END"),
    "2,000 united": repeat("", "SELECT 1, 2", " UNION ALL ", 2_000),
    "a body of 400 kB": repeat(
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n",
        "  UPDATE t SET a = 1;\n",
        "",
        20_000,
        "END $$",
    ),
    "a body of 90 levels": repeat(
        repeat("DO $$ BEGIN ", "IF a THEN", " ", 90, " PERFORM 1; "), "END IF;", " ", 90, " END $$"
    ),
}


@pytest.mark.parametrize("name", WIDE)
def test_what_is_wide_and_not_deep_is_read(name: str) -> None:
    assert not any(isinstance(action, UnreadSql) for action in read_actions(WIDE[name]))


DEEP = {
    "terms": "SELECT 1" + " + 1" * 60_000,
    "unions": "SELECT 1, 2" + " UNION SELECT 1, 2" * 120_000,
    "casts": "ALTER TABLE t ALTER a TYPE int USING a" + "::int" * 5_000,
    "signs": "SELECT " + "+" * 1_000_000 + "1",
    "parts": "SELECT " + "+/**/" * 100_000 + "1",
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_too_deep_is_not_read_and_no_syntax_error(name: str) -> None:
    assert read_actions(DEEP[name]) == (UnreadSql("nested too deeply to be read"),)


def test_long_runs_of_signs_are_read_at_once() -> None:
    inside = "/*" * 100_000
    with pytest.raises(SqlSyntaxError, match="unterminated /\\* comment"):
        read_actions(f"SELECT {inside}")
    assert read_actions(f"DROP TABLE {inside}{'*/' * 100_000} t") == read_actions("DROP TABLE t")
    assert read_actions(f"DROP TABLE {'/**/' * 100_000} t") == read_actions("DROP TABLE t")
    with pytest.raises(SqlSyntaxError, match="operator too long"):
        read_actions("SELECT " + "=-" * 1_000_000)


def test_a_message_does_not_quote_all_that_is_never_closed() -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        read_actions("SELECT '" + "x" * 100_000)
    assert len(caught.value.message) < 300


NARROW = """
import threading
from safemigrate.errors import SqlSyntaxError
from safemigrate.sql import read_actions

NESTS = {
    "(": ")", "ARRAY[": "]", "f(": ")", "(SELECT ": ")", "CASE WHEN a THEN ": " END", "NOT ": "",
    "- ": "", "a[": "]", "EXISTS(SELECT WHERE ": ")", "coalesce(a, ": ")", "a IN (": ")",
}
CHAINS = ("::int", " + 1", " ISNULL", " COLLATE a", " UNION SELECT 1", " || b", " AT TIME ZONE b")

def texts():
    for times in (60, 140, 1_500, 12_000):
        for opening, closing in NESTS.items():
            yield "1", opening * times + "1" + closing * times
        for link in CHAINS:
            yield "a", "a" + link * times

def read():
    for plain, expression in texts():
        for sql in (
            f"ALTER TABLE t ADD CHECK ({expression})",
            f"DO $$ BEGIN PERFORM {expression}; END $$",
        ):
            try:
                read_actions(sql)
            except SqlSyntaxError:
                pass
    print("read")

threading.stack_size(512 * 1024)
thread = threading.Thread(target=read)
thread.start()
thread.join()
"""


def test_a_small_stack_is_enough_for_any_depth() -> None:
    assert _run(NARROW) == "read\n"


HUGE = {
    "semicolons": "';' * 3_000_000",
    "one string": "\"INSERT INTO t VALUES ('\" + 'x' * 10_000_000 + \"')\"",
    "parentheses": "'(' * 1_000_000",
    "comments": "'-- a comment of its own\\n' * 400_000",
    "nested comments": "'/*' * 5_000_000",
    "dollars": "'$a$ $b ' * 400_000",
    "meta-commands": "'\\\\a b c d\\n' * 200_000",
    "meta-commands on one line": "'\\\\g ' * 200_000",
    "rows": "'COPY t FROM stdin;\\n' + 'a\\tb\\n' * 2_500_000",
    "an INSERT": (
        "'INSERT INTO t (a, b) VALUES ' + ', '.join("
        "f\"({i}, 'a rather long text, as rows of a table have it: {i}')\" for i in range(150_000))"
    ),
}
READ = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
from safemigrate.errors import SqlSyntaxError
from safemigrate.sql import blank_psql, find_psql_variable, read_actions, read_comments
from safemigrate.sql import split_statements
text = {text}
read_comments(text)
for statement in split_statements(blank_psql(text)[0])[:100]:
    find_psql_variable(statement.sql)
    try:
        read_actions(statement.sql)
    except SqlSyntaxError as error:
        assert len(error.message) < 500
print("read")
"""


@pytest.mark.parametrize("name", HUGE)
def test_megabytes_are_read_in_three_gigabytes(name: str) -> None:
    assert _run(READ.format(text=HUGE[name])) == "read\n"


def _run(program: str) -> str:
    # The time is a guard against a hang, and says nothing of how fast it should be.
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=600
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_any_number_of_deep_statements_is_read() -> None:
    # the system has about a thousand places for what the parser keeps of a thread
    code = (
        "from safemigrate.sql import read_actions\n"
        "for number in range(1_200):\n"
        "    read_actions(f'SELECT {number}, ' + '(' * 1_500 + '1' + ')' * 1_500)\n"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")
