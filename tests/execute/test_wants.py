"""What a text wants, and what it has been given."""

from __future__ import annotations

from datetime import timedelta

import pytest

from safemigrate.execute.locks.stalls import Footing, StallBook
from safemigrate.execute.locks.wants import Demand, Want, read_demand
from safemigrate.facts import walk
from safemigrate.model import (
    Catalog,
    Direction,
    History,
    LockMode,
    Migration,
    Passage,
    QualifiedName,
    ServerVersion,
    Span,
    Statement,
)
from safemigrate.plan import Foresight

TABLES = (
    "CREATE TABLE t (id int PRIMARY KEY, v int)",
    "CREATE TABLE u (id int PRIMARY KEY, t_id int)",
    "CREATE INDEX i ON t (v)",
    "CREATE VIEW w AS SELECT id FROM t",
)


def pass_through(texts: tuple[str, ...], before: Catalog) -> Passage:
    statements = tuple(
        Statement(sql, "r.py", Span(1, 1, 1, 1), "r", Direction.UPGRADE, ordinal, 1)
        for ordinal, sql in enumerate(texts, 1)
    )
    history = History((Migration("r.py", "r", upgrade=statements),))
    return walk(history, before=before, version=ServerVersion(18)).passages[0]


def demand_of(*texts: str) -> Demand:
    """Return what the first of the texts wants, in a transaction with the others."""
    passage = pass_through(texts, pass_through(TABLES, Catalog()).after)
    return read_demand(Foresight(passage).look(texts[0], is_autocommit=False))


def names(wants: tuple[Want, ...]) -> list[tuple[str, LockMode, bool]]:
    return [(want.relation.name, want.mode, want.is_lockable) for want in wants]


def test_a_table_is_taken_as_strongly_as_the_rest_of_the_transaction_needs_it() -> None:
    demand = demand_of(
        "ALTER TABLE u ADD FOREIGN KEY (t_id) REFERENCES t NOT VALID", "ALTER TABLE t DROP COLUMN v"
    )
    assert {name: mode for name, mode, _ in names(demand.now)} == {
        "t": LockMode.ACCESS_EXCLUSIVE,
        "u": LockMode.SHARE_ROW_EXCLUSIVE,
    }


def test_an_index_of_a_table_that_is_taken_is_taken_with_it() -> None:
    assert names(demand_of("DROP INDEX i").now) == [("t", LockMode.ACCESS_EXCLUSIVE, True)]


def test_a_view_is_not_one_for_lock_table() -> None:
    assert names(demand_of("DROP VIEW w").now) == [("w", LockMode.ACCESS_EXCLUSIVE, False)]


def test_what_only_later_statements_need_is_not_needed_now() -> None:
    demand = demand_of("UPDATE u SET t_id = 1", "ALTER TABLE t ADD COLUMN c int")
    assert demand.now == ()
    assert names(demand.ahead) == [("t", LockMode.ACCESS_EXCLUSIVE, True)]
    assert demand.takes_row_locks


@pytest.mark.parametrize("text", ["CREATE TABLE v (id int)", "CREATE TYPE e AS ENUM ('a')"])
def test_what_is_new_wants_nothing(text: str) -> None:
    demand = demand_of(text, "ALTER TABLE v ADD COLUMN c int")
    assert (demand.now, demand.has_weak, demand.is_open) == ((), False, False)


def test_a_function_that_is_not_read_may_take_any_lock() -> None:
    assert demand_of("SELECT unheard_of()").is_open


def test_a_timeout_and_the_end_of_a_transaction_are_seen() -> None:
    assert demand_of("SET lock_timeout = '1s'").sets_timeout
    assert demand_of("COMMIT").ends_transaction


def test_a_name_is_written_with_its_quotes() -> None:
    want = Want(QualifiedName("my schema", 'a"b'), LockMode.SHARE, is_lockable=True)
    assert want.sql_name == '"my schema"."a""b"'


def test_a_lock_that_is_held_is_held_for_weaker_ones_too() -> None:
    name = QualifiedName("public", "t")
    footing = Footing()
    footing.hold(name, LockMode.SHARE, 1.0)
    footing.hold(name, LockMode.SHARE_ROW_EXCLUSIVE, 2.0)
    footing.hold(name, LockMode.SHARE, 3.0)
    assert footing.has(name, LockMode.SHARE_ROW_EXCLUSIVE)
    assert not footing.has(name, LockMode.ACCESS_EXCLUSIVE)
    assert not footing.has(QualifiedName("public", "u"), LockMode.SHARE)
    assert footing.held(4.0) == {name: 3.0}


def test_a_budget_is_for_each_table_by_itself() -> None:
    book = StallBook(timedelta(seconds=1))
    one, other = QualifiedName("public", "t"), QualifiedName("public", "u")
    book.add_queued(one, 0.75)
    assert book.left([one]) == 0.25
    assert book.left([other]) == 1.0
    assert book.left([one, other]) == 0.25
    book.add_queued(one, 0.5)
    assert book.left([one]) == 0.0


def test_what_was_held_is_taken_from_what_is_left() -> None:
    book = StallBook(timedelta(seconds=1))
    one, other = QualifiedName("public", "t"), QualifiedName("public", "u")
    book.add_queued(one, 0.25)
    book.add_held({one: 0.5, other: 0.125})
    assert book.left([one]) == 0.25
    assert book.left([other]) == 0.875
    # at the same time
    assert book.take_held() == 0.5
    assert book.take_held() == 0.0
