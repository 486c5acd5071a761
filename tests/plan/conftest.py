"""Revisions out of SQL, over a schema out of SQL."""

from collections.abc import Callable

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.model import (
    Direction,
    History,
    Migration,
    Passage,
    ServerVersion,
    Span,
    Statement,
)
from safemigrate.plan import walk_pending

Pass = Callable[..., list[Passage]]
NOWHERE = Span(1, 1, 1, 1)


@pytest.fixture
def walked() -> Pass:
    """Return the passages of revisions, each a sequence of statements, over a schema.

    A statement that is to run outside a transaction begins with `!`.
    """

    def walked(schema: str, *revisions: tuple[str, ...]) -> list[Passage]:
        migrations = tuple(
            Migration(
                f"r{number}.py",
                "",
                revision=f"r{number}",
                upgrade=tuple(
                    Statement(
                        sql.removeprefix("!"),
                        f"r{number}.py",
                        NOWHERE,
                        f"r{number}",
                        Direction.UPGRADE,
                        ordinal,
                        None if sql.startswith("!") else 1,
                    )
                    for ordinal, sql in enumerate(statements, 1)
                ),
            )
            for number, statements in enumerate(revisions, 1)
        )
        pending = [one.revision or "" for one in migrations]
        passages = walk_pending(
            History(migrations),
            pending,
            Direction.UPGRADE,
            before=catalog_of_sql(schema, "schema.sql"),
            version=ServerVersion(17),
        )
        return [passages[name] for name in pending]

    return walked
