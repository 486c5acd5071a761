"""Which findings an ignore comment silences, and what is found about the comment itself."""

from collections.abc import Callable
from textwrap import dedent

import pytest

from safemigrate.lint import find_suppressions
from safemigrate.model import LintResult, Migration, Span

Lint = Callable[..., LintResult]


def names(result: LintResult) -> list[str]:
    return [finding.rule for finding in result.findings]


def lines(result: LintResult) -> list[tuple[str, int]]:
    return [(finding.rule, finding.span.line) for finding in result.findings]


@pytest.mark.parametrize(
    "text",
    [
        "-- safemigrate: ignore[dropped-table] unused by now\nDROP TABLE recipe;",
        "DROP TABLE recipe; -- safemigrate: ignore[dropped-table] unused by now",
        "--safemigrate:ignore[ dropped-table ]   unused by now\nDROP TABLE recipe;",
        "  -- safemigrate: ignore[dropped-table] unused by now\n  DROP TABLE recipe;",
        "-- safemigrate: ignore[dropped-table] unused by now\n-- and more\nDROP TABLE recipe;",
        "DROP TABLE -- safemigrate: ignore[dropped-table] unused by now\n  recipe;",
    ],
)
def test_sql_is_silenced_on_its_line_and_from_the_line_above(lint_sql: Lint, text: str) -> None:
    result = lint_sql(text)
    assert names(result) == []
    assert result.suppressed == 1


@pytest.mark.parametrize(
    "text",
    [
        "-- safemigrate: ignore[dropped-table] unused by now\n\nDROP TABLE recipe;",
        "DROP TABLE recipe;\n-- safemigrate: ignore[dropped-table] unused by now\n",
        "SELECT 1; -- safemigrate: ignore[dropped-table] unused by now\nDROP TABLE recipe;",
    ],
)
def test_a_comment_elsewhere_silences_nothing_and_is_unused(lint_sql: Lint, text: str) -> None:
    result = lint_sql(text)
    assert sorted(names(result)) == ["dropped-table", "unused-ignore"]
    assert result.suppressed == 0


def test_a_comment_at_the_end_of_a_line_does_not_reach_the_next_statement(lint_sql: Lint) -> None:
    result = lint_sql(
        "DROP TABLE recipe; -- safemigrate: ignore[dropped-table] unused by now\nDROP TABLE cook;"
    )
    assert lines(result) == [("dropped-table", 2)]


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("DROP TABLE recipe; DROP TABLE cook; -- safemigrate: ignore[dropped-table] unused", 1),
        ("-- safemigrate: ignore[dropped-table] unused\nDROP TABLE recipe; DROP TABLE cook;", 20),
    ],
)
def test_of_two_statements_on_a_line_one_is_silenced(
    lint_sql: Lint, text: str, column: int
) -> None:
    result = lint_sql(text)
    assert [finding.span.column for finding in result.findings] == [column]
    assert result.suppressed == 1


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '-- safemigrate: ignore[dropped-table] x'; DROP TABLE recipe;",
        "SELECT $$\n-- safemigrate: ignore[dropped-table] x\n$$; DROP TABLE recipe;",
        "/*\n-- safemigrate: ignore[dropped-table] x\n*/\nDROP TABLE recipe;",
    ],
)
def test_what_stands_in_a_string_or_a_block_is_no_comment(lint_sql: Lint, text: str) -> None:
    assert names(lint_sql(text)) == ["dropped-table"]


def test_a_table_dropped_with_another_is_silenced_with_it(lint_sql: Lint) -> None:
    result = lint_sql("-- safemigrate: ignore[dropped-table] unused\nDROP TABLE recipe, cook;")
    assert names(result) == []
    assert result.suppressed == 2


def test_comments_are_read_in_a_script_for_psql(lint_sql: Lint) -> None:
    result = lint_sql(
        "\\echo don't stop\n-- safemigrate: ignore[dropped-table] unused\nDROP TABLE recipe;"
    )
    assert names(result) == []


def test_one_comment_names_several_rules(lint_sql: Lint) -> None:
    result = lint_sql(
        "-- safemigrate: ignore[dropped-column, column-type-rewrite] the table has ten rows\n"
        "ALTER TABLE recipe DROP COLUMN name, ALTER COLUMN servings TYPE bigint;"
    )
    assert names(result) == []
    assert result.suppressed == 2


def test_comments_stand_in_rows(lint_sql: Lint) -> None:
    result = lint_sql(
        "-- safemigrate: ignore[dropped-column] unused by now\n"
        "-- safemigrate: ignore[column-type-rewrite] the table has ten rows\n"
        "ALTER TABLE recipe DROP COLUMN name, ALTER COLUMN servings TYPE bigint;"
    )
    assert names(result) == []


def test_a_subcommand_is_silenced_on_its_own_line(lint_sql: Lint) -> None:
    result = lint_sql(
        "ALTER TABLE recipe\n"
        "  DROP COLUMN name, -- safemigrate: ignore[dropped-column] unused by now\n"
        "  DROP COLUMN email;"
    )
    assert lines(result) == [("dropped-column", 3)]


def test_a_comment_above_the_statement_silences_all_its_subcommands(lint_sql: Lint) -> None:
    result = lint_sql(
        "-- safemigrate: ignore[dropped-column] unused by now\n"
        "ALTER TABLE recipe\n"
        "  DROP COLUMN name,\n"
        "  DROP COLUMN email;"
    )
    assert names(result) == []
    assert result.suppressed == 2


@pytest.mark.parametrize(
    "body",
    [
        """\
        # safemigrate: ignore[dropped-column] unused by now
        op.drop_column("recipe", "name")
        """,
        """\
        op.drop_column("recipe", "name")  # safemigrate: ignore[dropped-column] unused by now
        """,
        """\
        # safemigrate: ignore[dropped-column] unused by now
        op.drop_column(
            "recipe",
            "name",
        )
        """,
        """\
        op.drop_column(
            "recipe",
            "name",
        )  # safemigrate: ignore[dropped-column] unused by now
        """,
        """\
        op.drop_column(
            "recipe",
            # safemigrate: ignore[dropped-column] unused by now
            "name",
        )
        """,
        '''\
        op.execute(
            """
            -- safemigrate: ignore[dropped-column] unused by now
            ALTER TABLE recipe DROP COLUMN name
            """
        )
        ''',
        '''\
        op.execute("""ALTER TABLE recipe
            DROP COLUMN name -- safemigrate: ignore[dropped-column] unused by now
        """)
        ''',
        '''\
        table = "recipe"
        op.execute(f"""
            -- safemigrate: ignore[dropped-column] unused by now
            ALTER TABLE {table} DROP COLUMN name
        """)
        ''',
        """\
        with op.batch_alter_table("recipe") as batch:
            # safemigrate: ignore[dropped-column] unused by now
            batch.drop_column("name")
        """,
        """\
        for column in ("name",):
            # safemigrate: ignore[dropped-column] unused by now
            op.drop_column("recipe", column)
        """,
        """\
        op.execute(
            "-- safemigrate: ignore[dropped-column] unused by now\\n"
            "ALTER TABLE recipe DROP COLUMN name"
        )
        """,
        '''\
        sql = """
            -- safemigrate: ignore[dropped-column] unused by now
            ALTER TABLE recipe DROP COLUMN name
        """
        op.execute(sql)
        ''',
    ],
)
def test_a_revision_is_silenced_at_the_call(lint_python: Lint, body: str) -> None:
    result = lint_python(dedent(body))
    assert names(result) == []
    assert result.suppressed >= 1


def test_of_several_statements_of_a_call_a_comment_silences_the_first(lint_python: Lint) -> None:
    result = lint_python(
        "# safemigrate: ignore[dropped-table] unused by now\n"
        'op.execute("SELECT 1; DROP TABLE recipe; DROP TABLE cook")'
    )
    (finding,) = result.findings
    assert finding.sql == "DROP TABLE cook"
    assert result.suppressed == 1


def test_in_a_batch_each_operation_has_a_comment_of_its_own(lint_python: Lint) -> None:
    result = lint_python(
        'with op.batch_alter_table("recipe") as batch:\n'
        "    # safemigrate: ignore[dropped-column] unused by now\n"
        '    batch.drop_column("name")\n'
        '    batch.drop_column("email")\n'
    )
    (finding,) = result.findings
    assert '"email"' in finding.message
    assert result.suppressed == 1


def test_of_what_a_loop_sends_a_comment_silences_the_first(lint_python: Lint) -> None:
    result = lint_python(
        "# safemigrate: ignore[dropped-column] unused by now\n"
        'for column in ("name", "email"): op.drop_column("recipe", column)'
    )
    (finding,) = result.findings
    assert "email" in finding.message
    assert result.suppressed == 1


def test_comments_in_rows_silence_one_statement_each(lint_python: Lint) -> None:
    result = lint_python(
        "# safemigrate: ignore[dropped-column] unused by now\n"
        "# safemigrate: ignore[dropped-column] unused as well\n"
        "# safemigrate: ignore[dropped-column] this one has nothing left to silence\n"
        'for column in ("name", "email"): op.drop_column("recipe", column)'
    )
    assert names(result) == ["unused-ignore"]
    assert "nothing left" in lint_line(result.findings[0].span.line)
    assert result.suppressed == 2


def lint_line(line: int) -> str:
    """Return which of the comments above stands on the line of the file, whose body begins at 6."""
    return {6: "unused by now", 7: "unused as well", 8: "nothing left"}[line]


def test_two_calls_on_a_line_are_told_apart(lint_python: Lint) -> None:
    result = lint_python(
        'op.drop_table("recipe"); op.drop_table("cook")'
        "  # safemigrate: ignore[dropped-table] unused by now"
    )
    (finding,) = result.findings
    assert "recipe" in finding.message


@pytest.mark.parametrize(
    "sql",
    [
        """
        -- safemigrate: ignore[dropped-table] scratch table
        DROP TABLE recipe;
        DROP TABLE cook;
        """,
        """
        DROP TABLE recipe; -- safemigrate: ignore[dropped-table] scratch table
        DROP TABLE cook;
        """,
        """
        DROP TABLE -- safemigrate: ignore[dropped-table] scratch table
            recipe;
        DROP TABLE cook;
        """,
    ],
)
@pytest.mark.parametrize("opening", ["op.execute(", "op.execute(f", "run("])
def test_a_comment_in_the_sql_of_a_call_belongs_to_one_statement(
    lint_python: Lint, sql: str, opening: str
) -> None:
    result = lint_python(f'def run(sql): op.execute(sql)\n{opening}"""{sql}""")')
    (finding,) = result.findings
    assert finding.sql == "DROP TABLE cook"
    assert result.suppressed == 1


def test_each_statement_in_the_sql_of_a_call_has_a_comment_of_its_own(lint_python: Lint) -> None:
    result = lint_python(
        'op.execute("""\n'
        "DROP TABLE recipe; -- safemigrate: ignore[dropped-table] scratch table\n"
        "-- safemigrate: ignore[dropped-table] nobody cooks any more\n"
        'DROP TABLE cook""")'
    )
    assert names(result) == []
    assert result.suppressed == 2


def test_a_comment_behind_the_last_statement_of_a_text_silences_nothing(lint_python: Lint) -> None:
    result = lint_python(
        'op.execute("""DROP TABLE recipe;\n-- safemigrate: ignore[dropped-table] unused\n""")'
    )
    assert sorted(names(result)) == ["dropped-table", "unused-ignore"]


def test_a_string_of_sql_is_no_comment_in_a_revision_either(lint_python: Lint) -> None:
    result = lint_python(
        'op.execute("""INSERT INTO cook (id, name) VALUES (1, \'\n'
        '-- safemigrate: ignore[dropped-table] no\');\nDROP TABLE recipe""")'
    )
    assert names(result) == ["dropped-table"]


def test_a_comment_at_one_call_does_not_reach_the_next(lint_python: Lint) -> None:
    result = lint_python(
        'op.drop_column("recipe", "name")  # safemigrate: ignore[dropped-column] unused by now\n'
        'op.drop_column("recipe", "email")'
    )
    assert names(result) == ["dropped-column"]
    assert result.suppressed == 1


def test_a_downgrade_is_silenced_as_well(lint_python: Lint) -> None:
    result = lint_python(
        'op.alter_column("recipe", "servings", type_=sa.BigInteger())  '
        "# safemigrate: ignore[column-type-rewrite] the table has ten rows",
        "# safemigrate: ignore[column-type-rewrite] the table has ten rows\n"
        'op.alter_column("recipe", "servings", type_=sa.Integer())',
    )
    assert names(result) == []
    assert result.suppressed == 2


def test_a_finding_about_a_function_is_silenced_above_it(lint_python: Lint) -> None:
    result = lint_python(
        'op.add_column("recipe", sa.Column("title", sa.Text()))\n'
        "# safemigrate: ignore[missing-downgrade] the old release cannot start again anyhow",
        "raise NotImplementedError",
    )
    assert names(result) == []
    assert result.suppressed == 1


def test_without_a_reason_it_silences_nothing(lint_sql: Lint) -> None:
    result = lint_sql("-- safemigrate: ignore[dropped-table]\nDROP TABLE recipe;")
    assert names(result) == ["ignore-without-reason", "dropped-table"]
    assert result.suppressed == 0


def test_an_unknown_rule_is_named(lint_sql: Lint) -> None:
    result = lint_sql("-- safemigrate: ignore[drop-table] unused by now\nDROP TABLE recipe;")
    assert names(result) == ["ignore-of-unknown-rule", "dropped-table"]
    assert '"drop-table"' in result.findings[0].message


@pytest.mark.parametrize("brackets", ["", "[]", "[ , ]"])
def test_no_rule_does_not_mean_all_rules(lint_sql: Lint, brackets: str) -> None:
    result = lint_sql(f"-- safemigrate: ignore{brackets} unused by now\nDROP TABLE recipe;")
    assert names(result) == ["ignore-of-unknown-rule", "dropped-table"]


def test_an_unused_name_beside_a_used_one_is_found(lint_sql: Lint) -> None:
    result = lint_sql(
        "-- safemigrate: ignore[dropped-table, dropped-column] unused by now\nDROP TABLE recipe;"
    )
    assert names(result) == ["unused-ignore"]
    assert '"dropped-column"' in result.findings[0].message


def test_a_comment_is_found_at_its_place() -> None:
    text = "SELECT 1;\nDROP TABLE recipe;  -- safemigrate: ignore[dropped-table] unused, süß\n"
    (found,) = find_suppressions(Migration("file.sql", text))
    assert found.span == Span(2, 21, 2, 70)
    assert (found.rules, found.reason) == (("dropped-table",), "unused, süß")


def test_a_comment_inside_a_string_of_a_revision_is_found_at_its_place() -> None:
    text = 'op.execute("""\n  -- safemigrate: ignore[dropped-table] unused\n""")\n'
    (found,) = find_suppressions(Migration("revision.py", text))
    assert (found.span.line, found.span.column) == (2, 3)


def test_lines_may_end_as_on_windows() -> None:
    text = "-- safemigrate: ignore[dropped-table] unused\r\nDROP TABLE recipe;\r\n"
    (found,) = find_suppressions(Migration("file.sql", text))
    assert (found.reason, found.line) == ("unused", 2)


@pytest.mark.parametrize("text", ['"""safemigrate: \n', "safemigrate: (\n", "  safemigrate:\n x\n"])
def test_a_broken_revision_has_no_comments(text: str) -> None:
    assert find_suppressions(Migration("revision.py", text)) == ()


def test_other_words_are_no_ignore() -> None:
    text = "-- safemigrate would ignore[dropped-table] this\n-- not safemigrate: ignore[x] y\n"
    assert find_suppressions(Migration("file.sql", text)) == ()


def test_a_statement_in_a_body_is_silenced_at_its_own_line(lint_sql: Lint) -> None:
    body = (
        "DO $$ BEGIN\n"
        "  -- safemigrate: ignore[dropped-table] unused by now\n"
        "  DROP TABLE recipe;\n"
        "  DROP TABLE cook;\n"
        "  DROP TABLE dish; -- safemigrate: ignore[dropped-table] unused by now\n"
        "END $$;\n"
    )
    result = lint_sql(body)
    assert lines(result) == [("dropped-table", 4)]
    assert result.suppressed == 2
