"""A long history is the same whether it is read on one core or on several."""

import pytest

from safemigrate.facts import MANY_STATEMENTS, walk
from safemigrate.model import (
    Catalog,
    Direction,
    History,
    Migration,
    ServerVersion,
    Span,
    Statement,
    Timeline,
)

FORMS = (
    "CREATE TABLE t{n} (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'x')",
    "ALTER TABLE t{table} ADD COLUMN c{n} uuid DEFAULT gen_random_uuid()",
    "SELECT 1",
    "ALTER TABLE t{table} ADD COLUMN",
    "CREATE INDEX ON t{table} (name)",
    "DO $$ BEGIN UPDATE t{table} SET name = ''; END $$",
)
OF_EACH = 5


def make_history(count: int) -> History:
    texts = [
        FORMS[n % len(FORMS)].format(n=n, table=n // len(FORMS) * len(FORMS)) for n in range(count)
    ]
    migrations = []
    for start in range(0, count, OF_EACH):
        upgrade = tuple(
            Statement(sql, f"{start}.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, ordinal, 1)
            for ordinal, sql in enumerate(texts[start : start + OF_EACH], start=1)
        )
        migrations.append(Migration(f"{start}.sql", "", upgrade=upgrade))
    return History(tuple(migrations), is_complete=True)


@pytest.mark.parametrize("cores", [2, 3, 5])
@pytest.mark.parametrize("count", [MANY_STATEMENTS - 1, MANY_STATEMENTS + 7])
def test_the_timeline_is_the_same_on_several_cores(
    monkeypatch: pytest.MonkeyPatch, cores: int, count: int
) -> None:
    def walk_on(number: int) -> Timeline:
        monkeypatch.setattr("safemigrate.facts.reading.count_cores", lambda: number)
        return walk(make_history(count), before=Catalog(), version=ServerVersion(18))

    alone, together = walk_on(1), walk_on(cores)
    for one, other in zip(alone.passages, together.passages, strict=True):
        assert one.statements == other.statements
    assert alone.end == together.end
