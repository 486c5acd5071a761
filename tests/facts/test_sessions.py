"""What is set for a session holds as far as the session is sure to reach."""

import psycopg
import pytest

from safemigrate.facts import walk
from safemigrate.lint import rules
from safemigrate.model import (
    Catalog,
    Direction,
    History,
    Migration,
    Passage,
    ServerVersion,
    Severity,
    Span,
    Statement,
    Timeline,
)
from safemigrate.rulekit import Context, EventIndex
from safemigrate.sql import split_statements

PIE = "CREATE TABLE pie (id bigint PRIMARY KEY)"
LOCKS = "ALTER TABLE pie ADD COLUMN origin text"


def make_statements(
    sql: str, direction: Direction = Direction.UPGRADE, transaction: int | None = 1
) -> tuple[Statement, ...]:
    return tuple(
        Statement(each.sql, "a.py", Span(1, 1, 1, 1), "a", direction, ordinal, transaction)
        for ordinal, each in enumerate(split_statements(sql), start=1)
    )


def walk_through(*upgrades: str, setup: str = "", downgrade: str = "SELECT 1") -> Timeline:
    migrations = tuple(
        Migration(
            f"{number}.py",
            "",
            str(number),
            upgrade=make_statements(upgrade),
            downgrade=make_statements(downgrade, Direction.DOWNGRADE),
        )
        for number, upgrade in enumerate(upgrades)
    )
    history = History(migrations, is_complete=True, setup=make_statements(setup))
    return walk(history, before=Catalog(), version=ServerVersion(18))


def find(name: str, passage: Passage) -> list[str]:
    rule = rules()[name]
    context = Context(passage, EventIndex(passage), name, Severity.WARNING, Catalog())
    return [finding.sql for finding in rule.check(context)]


def find_in_last(name: str, timeline: Timeline) -> list[str]:
    ups = [each for each in timeline.passages if each.direction is Direction.UPGRADE]
    return find(name, ups[-1])


def test_a_limit_that_env_py_sets_holds_for_every_migration() -> None:
    timeline = walk_through(PIE, LOCKS, setup="SET lock_timeout = '2s'")
    assert find_in_last("missing-lock-timeout", timeline) == []


def test_a_limit_that_env_py_sets_holds_for_downgrades() -> None:
    timeline = walk_through(PIE, setup="SET lock_timeout = '2s'", downgrade="DROP TABLE pie")
    assert find("missing-lock-timeout", timeline.passages[-1]) == []


@pytest.mark.parametrize(
    ("setup", "earlier", "found"),
    [
        ("", "SET lock_timeout = '2s'", True),
        ("SET lock_timeout = '2s'", "RESET lock_timeout", False),
        ("SET lock_timeout = '2s'", "SET lock_timeout = 0", False),
    ],
)
def test_what_an_earlier_migration_sets_does_not_count(
    setup: str, earlier: str, *, found: bool
) -> None:
    timeline = walk_through(PIE, earlier, LOCKS, setup=setup)
    assert find_in_last("missing-lock-timeout", timeline) == ([LOCKS] if found else [])


def test_a_reset_takes_back_what_env_py_sets() -> None:
    sql = f"SET lock_timeout = '1s'; RESET lock_timeout; {LOCKS}"
    timeline = walk_through(PIE, sql, setup="SET lock_timeout = '2s'")
    assert find_in_last("missing-lock-timeout", timeline) == [LOCKS]
    assert find_in_last("disabled-lock-timeout", timeline) == ["RESET lock_timeout"]


def test_a_reset_of_what_the_migration_sets_is_no_more_than_that() -> None:
    timeline = walk_through(PIE, f"SET lock_timeout = '1s'; RESET lock_timeout; {LOCKS}")
    assert find_in_last("missing-lock-timeout", timeline) == [LOCKS]
    assert find_in_last("disabled-lock-timeout", timeline) == []


@pytest.mark.parametrize(("setup", "is_known"), [("SET TimeZone = 'UTC'", True), ("", False)])
def test_a_time_zone_of_an_earlier_migration_promises_nothing(
    setup: str, *, is_known: bool
) -> None:
    table = "CREATE TABLE pie (id bigint PRIMARY KEY, made timestamp)"
    change = "ALTER TABLE pie ALTER COLUMN made TYPE timestamptz"
    timeline = walk_through(table, "SET TimeZone = 'UTC'", change, setup=setup)
    (statement,) = timeline.passages[-2].statements
    assert bool(statement.facts.rewrites) is not is_known


def test_names_lie_where_an_earlier_migration_leaves_the_search_path() -> None:
    upgrades = ("CREATE SCHEMA a", "SET search_path TO a", PIE)
    timeline = walk_through(*upgrades, setup="SET search_path TO b", downgrade=LOCKS)
    assert [str(name) for name in timeline.end.tables] == ["a.pie"]
    (statement,) = timeline.passages[-1].statements
    assert [str(lock.relation) for lock in statement.facts.locks] == ["b.pie"]


def test_a_walk_that_goes_on_keeps_what_env_py_sets() -> None:
    first = walk_through(PIE, "RESET lock_timeout", setup="SET lock_timeout = '2s'")
    history = History((Migration("last.py", "", "last", upgrade=make_statements(LOCKS)),))
    rest = walk(history, before=first.following, version=ServerVersion(18))
    assert find_in_last("missing-lock-timeout", rest) == []


def test_where_names_lie_depends_on_the_session_as_the_server_has_it(database: str) -> None:
    url = database.replace("+psycopg", "")
    with psycopg.connect(url) as one_run:
        one_run.execute("CREATE SCHEMA a")
        one_run.execute("SET search_path TO a")
        one_run.commit()
        one_run.execute("CREATE TABLE pie (id int)")
    with psycopg.connect(url) as later_run:
        later_run.execute("CREATE TABLE pie (id int)")
        rows = later_run.execute(
            "SELECT schemaname FROM pg_catalog.pg_tables WHERE tablename = 'pie' ORDER BY 1"
        ).fetchall()
    assert rows == [("a",), ("public",)]
