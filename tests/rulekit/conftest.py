"""What a rule sees of a piece of SQL."""

from collections.abc import Callable

import pytest

from safemigrate.model import Direction, Severity
from safemigrate.rulekit import Context, EventIndex
from safemigrate.testing import Case, RuleCases, case_timeline

SCHEMA = """\
CREATE TABLE cook (id bigint PRIMARY KEY, name text);
CREATE TABLE recipe (
    id bigint PRIMARY KEY,
    name text CONSTRAINT named CHECK (name <> ''),
    cook_id bigint REFERENCES cook (id)
);
CREATE INDEX recipe_name_idx ON recipe (name);
"""

Look = Callable[..., Context]


@pytest.fixture
def look_at() -> Look:
    """Returns the context of a migration: SQL, or a revision given by its functions' bodies."""

    def look(
        sql: str | None = None,
        *,
        upgrade: str | None = None,
        downgrade: str | None = None,
        direction: Direction = Direction.UPGRADE,
        schema: str = SCHEMA,
    ) -> Context:
        case = Case(id="case", good=sql, good_alembic=upgrade, downgrade=downgrade)
        timeline = case_timeline(RuleCases(rule="own-rule", schema=schema, cases=(case,)), case)
        (passage,) = (each for each in timeline.passages if each.direction is direction)
        return Context(passage, EventIndex(passage), "own-rule", Severity.WARNING, timeline.end)

    return look
