"""Parameters as drivers and people write them."""

import pytest

from safemigrate.verify.compatibility.placeholders import Style, find_style, number_parameters


@pytest.mark.parametrize(
    ("style", "sql", "numbered", "names"),
    [
        (
            Style.PYFORMAT,
            "a = %(x)s AND b = %(y)s OR c = %(x)s::INTEGER",
            "a = $1 AND b = $2 OR c = $1::INTEGER",
            ("x", "y"),
        ),
        (Style.PYFORMAT, "a %% 2 = %s AND b LIKE '10%%'", "a % 2 = $1 AND b LIKE '10%'", ("1",)),
        (Style.FORMAT, "a = %s AND b = %s", "a = $1 AND b = $2", ("1", "2")),
        (Style.NAMED, "a = :x AND b = ':no' AND c = :x", "a = $1 AND b = ':no' AND c = $1", ("x",)),
        (Style.NAMED, "a::text = :t::text AND b[1:n]", "a::text = $1::text AND b[1:n]", ("t",)),
        (Style.NAMED, '":no" -- :no\n= :x /* :no */', '":no" -- :no\n= $1 /* :no */', ("x",)),
        (
            Style.DOLLAR,
            "a = $2 AND b = '$3' OR c = $1",
            "a = $2 AND b = '$3' OR c = $1",
            ("1", "2"),
        ),
        (Style.DOLLAR, "SELECT $q$ $1 $q$", "SELECT $q$ $1 $q$", ()),
    ],
)
def test_they_are_numbered(style: Style, sql: str, numbered: str, names: tuple[str, ...]) -> None:
    assert number_parameters(sql, style) == (numbered, names)


@pytest.mark.parametrize(
    ("sql", "style"),
    [
        ("SELECT %(a)s", Style.PYFORMAT),
        ("SELECT 1 WHERE a = %s", Style.PYFORMAT),
        ("SELECT ':a', :b", Style.NAMED),
        ("SELECT '%s', a::int % some", Style.DOLLAR),
        ("SELECT $1", Style.DOLLAR),
        ("SELECT 1", Style.DOLLAR),
    ],
)
def test_what_somebody_wrote_tells_its_style(sql: str, style: Style) -> None:
    assert find_style(sql) is style
