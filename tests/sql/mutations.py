"""Texts that nobody would write: SQL of the rule book cut, joined and spoilt, and text of any kind.

The examples are drawn without chance, so that every run tries the same.
"""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql import read_actions, split_statements
from safemigrate.testing import rule_book

STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

SCRIPTS = tuple(
    text
    for cases in rule_book().values()
    for case in cases.cases
    for text in (case.bad, case.good)
    if text
)


def _is_read(sql: str) -> bool:
    try:
        return bool(read_actions(sql))
    except SqlSyntaxError:
        return False


STATEMENTS = tuple(
    filter(_is_read, dict.fromkeys(one.sql for text in SCRIPTS for one in split_statements(text)))
)

# What begins something that must end, ends it, or stands outside of SQL.
SPARKS = (
    *("'", '"', "$$", "$a$", "$é$", "/*", "*/", "--", "-- a\n", "e'", "E'\\'", "U&'", 'u&"', "n'"),
    *(";", "(", ")", "[", "]", ",", "\\", "\\\\", "\\;", "::", ":a", ":'a'", "1", "$1", "1e", "."),
    *("\n", "\r\n", "\r", "\t", "\f", "\v", "\x00", "\x01", "\x1b", "\ufeff", "\u2028", "\xa0"),
    *("é", "e\u0301", "漢字", "😀", "+", "@-", "=", "*/+", "?"),
    *(" BEGIN ", " BEGIN ATOMIC ", " END ", " CASE ", " CREATE ", " RULE ", " UNION ", " AS "),
    *("COPY t FROM stdin;\n", "\n\\.\n", "\\g ", "\\copy t from stdin\n", "\\set a 'b\n", "\\i x"),
    *("DO $$ BEGIN ", "EXECUTE ", " IF a THEN ", " LOOP ", " LANGUAGE sql ", "NOT "),
    *("-- safemigrate: ignore[dropped-table] a\n", "# safemigrate: ignore[", "safemigrate:"),
)


@st.composite
def spoilt_sql(draw: st.DrawFn) -> str:
    """Draw statements of the rule book with one to four things done to them."""
    text = draw(st.sampled_from(SCRIPTS))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        match draw(st.sampled_from(("cut", "join", "spark", "spark", "repeat", "nest"))):
            case "cut":
                text = text[:place]
            case "join":
                text = text[:place] + draw(st.sampled_from(SCRIPTS))[-place:]
            case "spark":
                text = text[:place] + draw(st.sampled_from(SPARKS)) + text[place:]
            case "repeat":
                text = text[:place] + text[place : place + 20] * draw(st.integers(2, 30))
            case "nest":
                times = draw(st.integers(1, 200))
                opening, closing = draw(st.sampled_from(NESTS))
                text = text[:place] + opening * times + text[place:] + closing * times
    return text


NESTS = (
    ("(", ")"),
    ("SELECT (", ")"),
    ("/*", "*/"),
    ("CASE WHEN ", " END"),
    ("DO $$ BEGIN ", " END $$"),
    ("BEGIN ATOMIC ", "; END"),
    ("[", "]"),
)

any_text = st.one_of(
    st.text(),
    # half a character, as no file in UTF-8 has it
    st.text(alphabet=st.characters(), max_size=40),
    st.lists(st.sampled_from((*SPARKS, "a", " ", "SELECT ", "CREATE TABLE t ")), max_size=40).map(
        "".join
    ),
)
hostile_text = st.one_of(spoilt_sql(), spoilt_sql(), any_text)
