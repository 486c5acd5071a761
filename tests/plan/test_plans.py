"""What the plan says of statements, from a schema and figures."""

from collections.abc import Callable

import pytest

from safemigrate.catalog.figures import RelationFigures
from safemigrate.model import LockMode, Passage, QualifiedName
from safemigrate.plan import (
    Course,
    Estimate,
    Figures,
    Holder,
    StatementPlan,
    list_relations,
    list_worked_on,
    make_plan,
    measure_room,
)

Pass = Callable[..., list[Passage]]

A, B = QualifiedName("public", "a"), QualifiedName("public", "b")
SCHEMA = "CREATE TABLE a (id bigint PRIMARY KEY, n int); CREATE TABLE b (id bigint, n int)"
MIB = 1024 * 1024
FIGURES = Figures(
    {
        A: RelationFigures(A, 30 * MIB, 20 * MIB, rows=1000, index_count=1),
        B: RelationFigures(B, 10 * MIB, 10 * MIB, rows=500),
    },
    {A: 2.0},
)


def plan_of(passages: list[Passage], done: int = 0) -> tuple[StatementPlan, ...]:
    (revision,) = make_plan(passages, FIGURES, done={"r1": done})
    return revision.statements


def courses(statements: tuple[StatementPlan, ...]) -> list[Course]:
    return [one.proceeding.course for one in statements]


def test_a_relation_comes_with_its_lock_and_size(walked: Pass) -> None:
    (plan,) = plan_of(walked(SCHEMA, ("ALTER TABLE a ALTER n TYPE bigint",)))
    table = next(one for one in plan.relations if one.relation == A)
    assert table.mode is LockMode.ACCESS_EXCLUSIVE
    assert table.is_rewritten
    assert (table.size_bytes, table.rows) == (30 * MIB, 1000)


def test_what_the_revision_makes_has_no_size(walked: Pass) -> None:
    statements = plan_of(walked(SCHEMA, ("CREATE TABLE c (id int)", "ALTER TABLE c ADD x int")))
    assert courses(statements) == [Course.AT_ONCE, Course.AT_ONCE]
    (table,) = statements[1].relations
    assert table.is_new
    assert table.size_bytes is None
    assert statements[1].hold is None


def test_a_transaction_takes_all_its_locks_at_once(walked: Pass) -> None:
    sent = ("ALTER TABLE a ADD x int", "SELECT 1", "ALTER TABLE b ADD x int")
    statements = plan_of(walked(SCHEMA, sent))
    assert courses(statements) == [Course.LOOK_THEN_LOCK, Course.AT_ONCE, Course.LOCKED_ALREADY]
    assert statements[0].proceeding.together == (A, B)


def test_outside_a_transaction_each_statement_takes_its_own(walked: Pass) -> None:
    sent = ("!ALTER TABLE a ADD x int", "!ALTER TABLE b ADD x int")
    statements = plan_of(walked(SCHEMA, sent))
    assert [one.proceeding.together for one in statements] == [(A,), (B,)]


@pytest.mark.parametrize(
    ("sql", "waits"),
    [
        ("!CREATE INDEX CONCURRENTLY i ON a (n)", True),
        ("!DROP INDEX CONCURRENTLY a_n", True),
        ("!REINDEX TABLE CONCURRENTLY a", True),
        ("ALTER TABLE a VALIDATE CONSTRAINT positive", False),
    ],
)
def test_what_runs_beside_the_application_is_supervised(
    walked: Pass, sql: str, *, waits: bool
) -> None:
    more = (
        "CREATE INDEX a_n ON a (n); ALTER TABLE a ADD CONSTRAINT positive CHECK (n > 0) NOT VALID"
    )
    (plan,) = plan_of(walked(f"{SCHEMA};{more}", (sql,)))
    assert plan.proceeding.course is Course.SUPERVISED
    assert plan.proceeding.waits_for_snapshots is waits
    assert plan.hold is None


def test_an_index_of_a_partitioned_table_is_built_by_partition(walked: Pass) -> None:
    schema = (
        "CREATE TABLE p (id int) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (9)"
    )
    (plan,) = plan_of(walked(schema, ("!CREATE INDEX CONCURRENTLY i ON p (id)",)))
    assert plan.proceeding.course is Course.BY_PARTITION


def test_a_validation_behind_a_lock_is_not_watched(walked: Pass) -> None:
    schema = f"{SCHEMA}; ALTER TABLE a ADD CONSTRAINT positive CHECK (n > 0) NOT VALID"
    sent = ("ALTER TABLE b ADD x int", "ALTER TABLE a VALIDATE CONSTRAINT positive")
    statements = plan_of(walked(schema, sent))
    assert courses(statements) == [Course.LOOK_THEN_LOCK, Course.AT_ONCE]
    assert statements[0].hold is not None
    assert statements[0].hold.seconds > 2.0


def test_what_is_concurrent_is_not_watched_in_a_transaction(walked: Pass) -> None:
    statements = plan_of(walked(SCHEMA, ("CREATE INDEX CONCURRENTLY i ON a (n)",)))
    assert courses(statements) == [Course.AT_ONCE]


def test_what_was_done_before_is_skipped(walked: Pass) -> None:
    sent = ("!ALTER TABLE a ADD x int", "!ALTER TABLE b ADD x int")
    statements = plan_of(walked(SCHEMA, sent), done=1)
    assert courses(statements) == [Course.DONE_BEFORE, Course.LOOK_THEN_LOCK]
    assert statements[0].work is None


def test_locks_are_held_to_the_end_of_the_transaction(walked: Pass) -> None:
    sent = ("ALTER TABLE b ADD x int", "ALTER TABLE a ALTER n TYPE bigint", "SELECT 1")
    first, second, third = plan_of(walked(SCHEMA, sent))
    assert first.hold is not None
    assert second.hold is not None
    assert third.hold is None
    # as long as the table takes that is rewritten behind it: 12 times its rows, 6 an index
    assert first.hold.seconds > second.hold.seconds > 2.0 * 18
    assert first.work is not None
    assert first.work.seconds < 0.1


def test_a_speed_that_was_not_measured_is_that_of_others(walked: Pass) -> None:
    (plan,) = plan_of(walked(SCHEMA, ("ALTER TABLE b ALTER n SET NOT NULL",)))
    # half the size of what takes 2 s to read, and as much again and a third to check
    assert plan.work is not None
    assert plan.work.seconds == pytest.approx(1.0 * 1.3, rel=0.1)


def test_without_any_speed_the_estimate_is_what_it_takes_at_least(walked: Pass) -> None:
    passages = walked(SCHEMA, ("ALTER TABLE b ALTER n SET NOT NULL",))
    ((plan,),) = (one.statements for one in make_plan(passages, Figures(FIGURES.relations)))
    assert plan.hold == Estimate(0.005, is_least=True)


def test_rows_that_a_condition_picks_take_at_most_so_long(walked: Pass) -> None:
    (plan,) = plan_of(walked(SCHEMA, ("UPDATE a SET n = 1 WHERE id < 10",)))
    assert plan.work is not None
    assert plan.work.is_most
    assert plan.hold is None


def test_only_holders_that_conflict_are_in_the_way(walked: Pass) -> None:
    passages = walked(SCHEMA, ("CREATE INDEX i ON a (n)",))
    reader = Holder(A, LockMode.ACCESS_SHARE, 1, 3.0, "pid 1")
    writer = Holder(A, LockMode.ROW_EXCLUSIVE, 2, 3.0, "pid 2")
    elsewhere = Holder(B, LockMode.ROW_EXCLUSIVE, 3, 3.0, "pid 3")
    (revision,) = make_plan(passages, FIGURES, holders=[reader, writer, elsewhere])
    (plan,) = revision.statements
    assert [one.holders for one in plan.relations if one.relation == A] == [(writer,)]
    assert all(elsewhere not in one.holders for one in plan.relations)


def test_a_table_that_was_renamed_on_the_way_keeps_its_figures(walked: Pass) -> None:
    sent = ("ALTER TABLE a RENAME TO c",), ("ALTER TABLE c ALTER n TYPE bigint",)
    passages = walked(SCHEMA, *sent)
    assert list_relations(passages) >= {A}
    assert list_worked_on(passages) == {A}
    reader = Holder(A, LockMode.ACCESS_SHARE, 1, 3.0, "pid 1")
    _, second = make_plan(passages, FIGURES, holders=[reader])
    table = next(one for one in second.statements[0].relations if one.is_rewritten)
    assert table.relation == QualifiedName("public", "c")
    assert table.rows == 1000
    assert len(table.holders) == 1
    assert second.room == {"": 30 * MIB}


def test_room_is_what_one_transaction_rewrites(walked: Pass) -> None:
    rewrite_a, rewrite_b = (f"ALTER TABLE {name} ALTER n TYPE bigint" for name in "ab")
    together = walked(SCHEMA, (rewrite_a, rewrite_b))
    assert measure_room(together, FIGURES) == {"": 40 * MIB}
    apart = walked(SCHEMA, (rewrite_a,), (rewrite_b,))
    assert measure_room(apart, FIGURES) == {"": 30 * MIB}
    alone = walked(SCHEMA, (f"!{rewrite_a}", f"!{rewrite_b}"))
    assert measure_room(alone, FIGURES) == {"": 30 * MIB}
    assert measure_room(walked(SCHEMA, ("SELECT 1",)), FIGURES) == {}
