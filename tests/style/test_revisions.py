"""The style of SQL inside of Python, at the places where it is written."""

from tests.style.conftest import Style, only_style, places


def test_a_string_is_judged_at_its_own_columns(style_python: Style) -> None:
    result = style_python('op.execute("SELECT  1")')

    assert places(result) == [("LT01", 9, 23)]


def test_a_triple_quoted_string_is_judged_without_the_margin_of_the_code(
    style_python: Style,
) -> None:
    result = style_python(
        '''
        op.execute(
            """
            UPDATE cook
            SET name  = 'x'
            WHERE id = 1
            """
        )
        '''
    )

    assert places(result) == [("LT01", 12, 17)]


def test_a_string_that_begins_behind_the_bracket_has_no_margin_of_its_own(
    style_python: Style,
) -> None:
    result = style_python(
        '''
        op.execute("""UPDATE cook
                      SET name = 'x'
                      WHERE id = 1""")
        op.execute("""UPDATE cook
        SET name = 'x'
        WHERE id = 1""")
        '''
    )

    assert places(result) == []


def test_sql_is_found_where_it_is_written(style_python: Style) -> None:
    body = """\
op.execute(sa.text("SELECT  1"))
op.execute(sqltext="SELECT  2")
op.get_bind().execute(sa.text("SELECT  3"))
op.get_bind().exec_driver_sql("SELECT  4")
op.execute(sa.text("SELECT  5").bindparams())
import textwrap; op.execute(textwrap.dedent("SELECT  6"))
sql = "SELECT  7"; op.execute(sql)
for other in ("SELECT  8", "SELECT 9"):
    op.execute(other)
def send(given):
    op.execute(given)
send("SELECT  10")
{"a": lambda: op.execute("SELECT  11")}["a"]()
op.execute("SELECT  12" if sql else "SELECT  13")
"""
    found = only_style(style_python(body))

    expected = [
        (9 + number, line.index("SELECT  ") + 11 + shift)
        for number, line in enumerate(body.splitlines())
        for shift in ((0, 25) if " if " in line else (0,))
        if "SELECT  " in line
    ]
    assert [(one.span.line, one.span.column) for one in found] == expected
    assert {(one.rule, one.message) for one in found} == {
        ("style/LT01", "Expected only single space before numeric literal. Found 2 blanks.")
    }


def test_escapes_do_not_shift_columns(style_python: Style) -> None:
    lines = [
        r"op.execute('INSERT INTO cook (name)\nVALUES (\'\x27\u0027\N{APOSTROPHE}\47🦉é\'  )')",
        r"op.execute(r'''SELECT '\d'  AS a''')",
        r'op.execute("SELECT \'" "\\"',
        r"""           "'  AS a")""",
    ]
    result = style_python("\n".join(lines))

    assert [one for one in places(result) if one[0] == "LT01"] == [
        ("LT01", 9, lines[0].index("  )") + 5),
        ("LT01", 10, lines[1].index("  AS") + 5),
        ("LT01", 12, lines[3].index("  AS") + 5),
    ]


def test_what_is_put_together_is_judged_at_the_call(style_python: Style) -> None:
    result = style_python(
        """
        table = "cook"
        op.execute(f"SELECT  id FROM {table}")
        op.execute("SELECT  name FROM " + table)
        op.execute("SELECT  id FROM {} WHERE id = 1".format(table))
        op.execute(sa.text("SELECT  %s" % 1))
        """
    )

    spaces = [one for one in only_style(result) if one.rule == "style/LT01"]
    assert [(one.span.line, one.span.column) for one in spaces] == [
        (10, 5),
        (11, 5),
        (12, 5),
        (13, 5),
    ]
    assert spaces[0].why == "in line 1 of the SQL that is sent: SELECT  id FROM cook"


def test_of_a_loop_over_what_is_put_together_one_round_is_judged(style_python: Style) -> None:
    result = style_python('for n in range(9):\n    op.execute(f"SELECT  {n}")')

    assert places(result) == [("LT01", 10, 9)]


def test_a_line_of_a_long_text_that_is_put_together_is_named(style_python: Style) -> None:
    result = style_python(
        '''
        table = "cook"
        op.execute(
            f"""
            UPDATE {table}
            SET name  = 'x'
            WHERE id = 1
            """
        )
        '''
    )

    (finding,) = only_style(result)
    assert (finding.span.line, finding.span.column) == (10, 5)
    assert finding.why == "in line 2 of the SQL that is sent: SET name  = 'x'"


def test_what_sqlalchemy_writes_is_nobodys_style(style_python: Style) -> None:
    result = style_python(
        """
        cook = sa.table("cook", sa.column("id"), sa.column("name"))
        op.execute(cook.update().where(cook.c.name == "a  b").values(name="c"))
        op.bulk_insert(cook, [{"id": 1, "name": "x"}])
        op.add_column("cook", sa.Column("born", sa.Date(), server_default=sa.text("now( )")))
        """
    )

    assert result.statements == 3
    assert places(result) == []


def test_a_string_that_never_runs_is_judged(style_python: Style) -> None:
    result = style_python('if False:\n    op.execute("SELECT  1")')

    assert places(result) == [("LT01", 10, 27)]


def test_a_string_that_is_sent_twice_is_judged_once(style_python: Style) -> None:
    result = style_python('sql = "SELECT  1"\nop.execute(sql)\nop.execute(sql)')

    assert places(result) == [("LT01", 9, 18)]


def test_bound_names_and_braces_are_no_templates(style_python: Style) -> None:
    result = style_python(
        """
        op.execute(
            sa.text("UPDATE cook SET name = '{{ x }} {# y #}' WHERE\\n  id = :id").bindparams(id=1)
        )
        op.execute("SELECT '{%'")
        """
    )

    assert [one for one in result.unjudged if "style" in one.reason] == []


def test_what_sqlfluff_does_not_read_is_said_at_its_line(style_python: Style) -> None:
    result = style_python(
        '''
        op.execute(
            """
            SELECT 1;
            SELECT %(x)s
            """
        )
        '''
    )

    (entry,) = [one for one in result.unjudged if one.reason.startswith("style:")]
    assert (entry.line, entry.hides_statements) == (12, False)
    assert entry.reason == 'style: sqlfluff does not read "%(x)s"'


def test_empty_strings_are_no_sql(style_python: Style) -> None:
    result = style_python('op.execute("")\nop.execute(" \\n ")')

    assert places(result) == []
    assert [one for one in result.unjudged if "style" in one.reason] == []


def test_noqa_of_sqlfluff_holds_inside_of_a_string(style_python: Style) -> None:
    result = style_python(
        '''
        op.execute(
            """
            SELECT  1;  -- noqa: LT01
            SELECT  2;  -- noqa
            SELECT  3;
            """
        )
        '''
    )

    assert places(result) == [("LT01", 13, 15)]


def test_an_ignore_silences_style_at_the_call(style_python: Style) -> None:
    result = style_python(
        '''
        # safemigrate: ignore[style/LT01] because
        op.execute("SELECT  1")
        op.execute("SELECT  2")  # safemigrate: ignore[style/LT01] because
        op.execute("SELECT  3  -- safemigrate: ignore[style/LT01] because")
        sql = "SELECT  4"
        # safemigrate: ignore[style/LT01] because
        op.execute(sql)
        # safemigrate: ignore[style/LT01] because
        op.execute(f"SELECT  {5}")
        if False:
            # safemigrate: ignore[style/LT01] because
            op.execute("SELECT  6")
        # safemigrate: ignore[style/LT01] because
        op.execute(
            """
            SELECT  7
            """
        )
        op.execute(
            """
            -- safemigrate: ignore[style/LT01] because
            SELECT  8;
            SELECT 9
            """
        )
        '''
    )

    assert places(result) == []
    assert result.suppressed == 8
    assert [one.rule for one in result.findings if "ignore" in one.rule] == []


def test_an_ignore_of_style_that_silences_nothing_is_found(style_python: Style) -> None:
    result = style_python('# safemigrate: ignore[style/LT01] because\nop.execute("SELECT 1")')

    assert [one.rule for one in result.findings if "ignore" in one.rule] == ["unused-ignore"]
