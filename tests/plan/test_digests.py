"""What changes the digest of a revision, and what does not."""

import pytest

from safemigrate.model import Assumption, Direction, Migration, Span, Statement
from safemigrate.plan import Change, compare_digests, digest_of

CODE = '''"""Add a table."""
from alembic import op

revision = "a"
down_revision = None


def upgrade():
    op.execute("CREATE TABLE t (id int)")


def downgrade():
    op.execute("DROP TABLE t")
'''
SQL = "CREATE TABLE t (id int)"


def migration(code: str = CODE, *sent: str, assumed: bool = False) -> Migration:
    statements = tuple(
        Statement(sql, "a.py", Span(1, 1, 1, 1), "a", Direction.UPGRADE, ordinal, 1)
        for ordinal, sql in enumerate(sent or (SQL,), 1)
    )
    assumptions = (Assumption("a.py", 9, "a", "reads rows"),) if assumed else ()
    return Migration("a.py", code, "a", upgrade=statements, assumptions=assumptions)


def compare(then: Migration, now: Migration, *renderers: str) -> Change:
    before, after = renderers or ("x", "x")
    return compare_digests(digest_of(then, before), digest_of(now, after))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Add a table."""', '"""Add a table, which we need."""'),
        ("def upgrade():\n", "def upgrade():\n    # first\n"),
        ("def upgrade():\n", 'def upgrade():\n    """Go."""\n'),
        ("\n\n\ndef", "\n\ndef"),
        ("def upgrade():", "def upgrade() -> None:"),
        ('"CREATE TABLE t (id int)"', "'CREATE TABLE t (id int)'"),
        ("down_revision = None", 'down_revision: str | None = "0"'),
        ("DROP TABLE t", "DROP TABLE t CASCADE"),
    ],
)
def test_what_means_the_same_is_not_edited(old: str, new: str) -> None:
    assert old in CODE
    # with what the database answered, so that the code alone decides
    then, now = migration(assumed=True), migration(CODE.replace(old, new), assumed=True)
    assert then.text != now.text
    assert compare(then, now) is Change.NONE


def test_code_that_means_something_else_is_edited() -> None:
    now = migration(CODE.replace("id int", "id bigint"), "CREATE TABLE t (id bigint)")
    assert compare(migration(), now) is Change.EDITED
    # also where other libraries write the SQL in another way
    assert compare(migration(), now, "x", "y") is Change.EDITED


def test_code_written_anew_that_sends_the_same_is_not_edited() -> None:
    now = migration(CODE.replace("op.execute(", "run = op.execute\n    run("))
    assert compare(migration(), now) is Change.NONE


def test_the_same_sql_proves_nothing_where_the_database_was_asked() -> None:
    code = CODE.replace("op.execute(", "run = op.execute\n    run(")
    assert compare(migration(assumed=True), migration(code, assumed=True)) is Change.EDITED


def test_the_same_sql_proves_nothing_where_values_are_bound() -> None:
    sent = "UPDATE t SET id = $1"
    now = migration(CODE.replace("t (id", "t(id"), sent)
    assert compare(migration(CODE, sent), now) is Change.EDITED


@pytest.mark.parametrize("sql", ["create  table t (id int)", "CREATE TABLE t -- why\n(id int)"])
def test_the_layout_of_sql_does_not_matter(sql: str) -> None:
    assert compare(migration(), migration(CODE, sql)) is Change.NONE


@pytest.mark.parametrize("sql", ['CREATE TABLE "T" (id int)', "CREATE TABLE u (id int)"])
def test_other_sql_of_the_same_file_comes_from_elsewhere(sql: str) -> None:
    assert compare(migration(), migration(CODE, sql)) is Change.ELSEWHERE


def test_sql_of_other_libraries_is_not_compared() -> None:
    now = migration(CODE, "CREATE TABLE t (id integer)")
    assert compare(migration(), now, "alembic 1", "alembic 2") is Change.NONE


@pytest.mark.parametrize("unknown", ["", "0.a.b.c", "whatever"])
def test_what_nobody_has_written_down_cannot_be_edited(unknown: str) -> None:
    assert compare_digests(unknown, digest_of(migration(), "x")) is Change.NONE


def test_code_that_is_no_python_is_compared_as_it_is() -> None:
    assert compare(migration("def ("), migration("def (")) is Change.NONE
    assert compare(migration("def (", assumed=True), migration("def [", assumed=True)) is (
        Change.EDITED
    )
