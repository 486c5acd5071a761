"""How a revision goes on after it was cut off shows in what it sends."""

import pytest

from safemigrate.facts import walk
from safemigrate.model import (
    OLDEST_VERSION,
    Catalog,
    Direction,
    History,
    Migration,
    Span,
    Statement,
)
from safemigrate.plan.resuming import Resumption, resumption_of

NOWHERE = Span(1, 1, 1, 1)
ALTER = "ALTER TABLE t ADD COLUMN a int"
BUILD = "CREATE INDEX CONCURRENTLY i ON t (a)"


@pytest.mark.parametrize(
    ("statements", "resumption"),
    [
        ([(ALTER, 1)], Resumption.WHOLE),
        ([("SELECT a FROM t", 1), (ALTER, 1)], Resumption.WHOLE),
        ([(BUILD, None)], Resumption.STATEMENTS),
        ([(ALTER, 1), (BUILD, None)], Resumption.STATEMENTS),
        ([(ALTER, 1), ("SELECT a FROM t", 2), ("DELETE FROM t", 2)], Resumption.BOUNDARIES),
    ],
)
def test_the_transactions_and_queries_decide(
    statements: list[tuple[str, int | None]], resumption: Resumption
) -> None:
    sent = tuple(
        Statement(sql, "one.py", NOWHERE, "one", Direction.UPGRADE, ordinal, transaction)
        for ordinal, (sql, transaction) in enumerate(statements, 1)
    )
    history = History((Migration("one.py", "", upgrade=sent),))
    passage = walk(history, before=Catalog(), version=OLDEST_VERSION).passages[0]
    assert resumption_of(passage) is resumption
