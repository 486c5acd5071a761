from collections.abc import Callable

import pytest

from safemigrate.model import (
    AddColumn,
    AlterColumnType,
    Confidence,
    Direction,
    DropColumn,
    DropConstraint,
    Lock,
    LockMode,
    QualifiedName,
    Remedy,
    Severity,
    Span,
)
from safemigrate.rulekit import Context

Look = Callable[..., Context]

RECIPE = QualifiedName(None, "recipe")


def test_events_of_a_kind_come_in_the_order_they_run(look_at: Look) -> None:
    context = look_at(
        "ALTER TABLE recipe ADD COLUMN a int, DROP COLUMN name;\n"
        "ALTER TABLE recipe ADD COLUMN b int;"
    )
    assert [action.column.name for _, action in context.events(AddColumn)] == ["a", "b"]
    assert [type(event.action) for event in context.all_events()] == [
        AddColumn,
        DropColumn,
        AddColumn,
    ]


@pytest.mark.parametrize(
    ("before", "is_new"),
    [
        ("", False),
        ("ALTER TABLE recipe ADD COLUMN x int;", True),
        ("ALTER TABLE recipe ADD COLUMN IF NOT EXISTS name text;", False),
        ("ALTER TABLE recipe RENAME TO dish; ALTER TABLE dish RENAME TO recipe;", False),
        ("DROP TABLE recipe; CREATE TABLE recipe (id int, name text, x int);", True),
    ],
)
def test_a_column_is_new_when_this_migration_made_it(
    look_at: Look, before: str, *, is_new: bool
) -> None:
    column = "x" if is_new else "name"
    context = look_at(f"{before} ALTER TABLE recipe DROP COLUMN {column};")
    *_, (event, action) = context.events(DropColumn)
    assert context.is_new_column(event, action.table, action.column) is is_new


def test_a_column_of_a_renamed_table_is_as_old_as_it_was(look_at: Look) -> None:
    context = look_at("ALTER TABLE recipe RENAME TO dish; ALTER TABLE dish DROP COLUMN name;")
    ((event, action),) = context.events(DropColumn)
    assert not context.is_new_column(event, action.table, action.column)
    assert not context.is_new(event, action.table)


def test_a_column_that_nothing_is_known_of_is_not_new(look_at: Look) -> None:
    context = look_at("ALTER TABLE recipe DROP COLUMN name;", schema="")
    ((event, action),) = context.events(DropColumn)
    assert not context.is_new_column(event, action.table, action.column)


@pytest.mark.parametrize(
    ("before", "name", "is_new"),
    [
        ("", "named", False),
        ("ALTER TABLE recipe ADD CONSTRAINT few CHECK (id < 9);", "few", True),
        ("", "unheard_of", False),
    ],
)
def test_a_constraint_is_new_when_this_migration_made_it(
    look_at: Look, before: str, name: str, *, is_new: bool
) -> None:
    context = look_at(f"{before} ALTER TABLE recipe DROP CONSTRAINT {name};")
    ((event, action),) = context.events(DropConstraint)
    assert context.is_new_constraint(event, action.table, action.name) is is_new


def test_a_finding_carries_the_rule_the_place_and_the_locks(look_at: Look) -> None:
    context = look_at("SELECT 1;\nALTER TABLE recipe\n  ADD COLUMN x int,\n  DROP COLUMN cook_id;")
    ((event, _),) = context.events(DropColumn)
    remedy = Remedy("leave it")
    finding = context.finding(event, "what", why="why", remedy=remedy)
    assert (finding.rule, finding.severity) == ("own-rule", Severity.WARNING)
    assert (finding.message, finding.why, finding.remedy) == ("what", "why", remedy)
    assert finding.span == Span(4, 3, 4, 22)
    assert finding.ordinal == 2
    assert finding.locks == (
        Lock(QualifiedName("public", "recipe"), LockMode.ACCESS_EXCLUSIVE),
        Lock(QualifiedName("public", "cook"), LockMode.ACCESS_EXCLUSIVE),
    )
    assert finding.blocks[0] == "SELECT"
    assert finding.confidence is Confidence.HIGH


def test_locks_on_what_the_migration_made_itself_block_nobody(look_at: Look) -> None:
    context = look_at("BEGIN; CREATE TABLE t (a int, b int); ALTER TABLE t DROP COLUMN b; COMMIT;")
    ((event, _),) = context.events(DropColumn)
    finding = context.finding(event, "what")
    assert (finding.locks, finding.blocks) == ((), ())


def test_what_is_not_known_lowers_the_confidence(look_at: Look) -> None:
    context = look_at("ALTER TABLE recipe ALTER COLUMN name TYPE bigint;", schema="")
    ((event, _),) = context.events(AlterColumnType)
    assert context.finding(event, "what").confidence is Confidence.LOW
    guess = context.finding(event, "what", confidence=Confidence.MEDIUM)
    assert guess.confidence is Confidence.MEDIUM


def test_a_finding_in_a_revision_stands_at_the_call(look_at: Look) -> None:
    context = look_at(upgrade='op.execute("ALTER TABLE recipe ADD x int, DROP COLUMN name")')
    ((event, _),) = context.events(DropColumn)
    finding = context.finding(event, "what")
    text = context.passage.migration.text.splitlines()[finding.span.line - 1]
    assert text[finding.span.column - 1 : finding.span.end_column - 1].startswith("op.execute(")
    assert finding.span.line == finding.span.end_line


def test_a_finding_at_a_statement_needs_no_event(look_at: Look) -> None:
    context = look_at("ALTER TABLE recipe\n  DROPP COLUMN name;")
    (statement,) = context.passage.statements
    finding = context.finding_at_statement(statement, "what", offset=statement.error_offset)
    assert statement.events == ()
    assert (finding.span.line, finding.span.column) == (2, 3)
    assert (finding.sql, finding.ordinal) == (statement.statement.sql, 1)


def test_a_finding_about_a_file_stands_at_the_function(look_at: Look) -> None:
    context = look_at(upgrade="pass", downgrade="pass", direction=Direction.DOWNGRADE)
    finding = context.finding_about_file("what")
    text = context.passage.migration.text.splitlines()
    assert text[finding.span.line - 1] == "def downgrade():"
    assert finding.span.end_column == len("def downgrade():") + 1
    assert finding.direction is Direction.DOWNGRADE


def test_a_finding_about_the_other_function_stands_there(look_at: Look) -> None:
    context = look_at(upgrade="pass", downgrade="pass")
    finding = context.finding_about_file("what", direction=Direction.DOWNGRADE)
    text = context.passage.migration.text.splitlines()
    assert text[finding.span.line - 1] == "def downgrade():"


def test_a_finding_about_a_downgrade_that_is_not_there_stands_at_upgrade(look_at: Look) -> None:
    context = look_at(upgrade="pass", direction=Direction.DOWNGRADE)
    finding = context.finding_about_file("what")
    text = context.passage.migration.text.splitlines()
    assert text[finding.span.line - 1] == "def upgrade():"


def test_a_finding_about_a_file_counts_lines_as_python_does(look_at: Look) -> None:
    context = look_at(upgrade='"a\x0cb\u2028c"', downgrade="pass")
    finding = context.finding_about_file("what", direction=Direction.DOWNGRADE)
    assert finding.span.end_column == len("def downgrade():") + 1


@pytest.mark.parametrize(
    "sql",
    [
        "DO $$ BEGIN ALTER TABLE recipe DROP COLUMN name; END $$",
        """
        CREATE FUNCTION change() RETURNS void LANGUAGE sql AS 'ALTER TABLE recipe DROP COLUMN name';
        SELECT change()
        """,
    ],
)
def test_in_a_body_a_remedy_that_runs_the_body_as_it_is_keeps_its_advice_only(
    look_at: Look, sql: str
) -> None:
    context = look_at(sql)
    ((event, _),) = context.events(DropColumn)
    whole = Remedy("later", f"SET lock_timeout = '1s';\n{event.statement.sql};", "op.execute(…)")
    other = Remedy("rename", "ALTER TABLE recipe RENAME name TO old;", "op.alter_column(…)")
    assert context.finding(event, "what", remedy=whole).remedy == Remedy("later")
    assert context.finding(event, "what", remedy=other).remedy == other


def test_a_statement_of_its_own_is_kept_in_the_remedy(look_at: Look) -> None:
    context = look_at("ALTER TABLE recipe DROP COLUMN name")
    ((event, _),) = context.events(DropColumn)
    remedy = Remedy("later", f"{event.statement.sql};", "op.execute(…)")
    assert context.finding(event, "what", remedy=remedy).remedy == remedy
