"""Fabricated values for the reports."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from safemigrate.model import (
    Catalog,
    Confidence,
    Direction,
    ExplainedStatement,
    Facts,
    Finding,
    History,
    LintResult,
    Lock,
    LockMode,
    Migration,
    Passage,
    QualifiedName,
    Remedy,
    Severity,
    Span,
    Statement,
    Timeline,
)

REVISION = '''"""Name index."""

from alembic import op

revision = "4f1c"


def upgrade():
    op.add_column("recipe", sa.Column("name", sa.Text()))
    op.create_index("recipe_name_idx", "recipe", ["name"])
'''
PATH = "migrations/versions/4f1c_name_index.py"

MakeFinding = Callable[..., Finding]
MakeTimeline = Callable[[History], Timeline]
MakeResult = Callable[..., LintResult]


@pytest.fixture
def history() -> History:
    def statement(sql: str, line: int, ordinal: int, width: int) -> Statement:
        return Statement(
            sql=sql,
            path=PATH,
            span=Span(line, 5, line, width),
            revision="4f1c",
            direction=Direction.UPGRADE,
            ordinal=ordinal,
            transaction=1,
        )

    return History(
        (
            Migration(
                path=PATH,
                text=REVISION,
                revision="4f1c",
                upgrade=(
                    statement("ALTER TABLE recipe ADD COLUMN name TEXT", 9, 1, 58),
                    statement("CREATE INDEX recipe_name_idx ON recipe (name)", 10, 2, 59),
                ),
            ),
        ),
        is_complete=True,
    )


@pytest.fixture
def make_timeline() -> MakeTimeline:
    def make(history: History) -> Timeline:
        return Timeline(
            tuple(
                Passage(
                    migration,
                    Direction.UPGRADE,
                    Catalog(),
                    Catalog(),
                    tuple(
                        ExplainedStatement(statement, (), Facts())
                        for statement in migration.upgrade
                    ),
                )
                for migration in history.migrations
            )
        )

    return make


@pytest.fixture
def timeline(history: History, make_timeline: MakeTimeline) -> Timeline:
    return make_timeline(history)


@pytest.fixture
def make_finding() -> MakeFinding:
    base = Finding(
        rule="non-concurrent-index",
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        message='building "recipe_name_idx" blocks writes to public.recipe',
        why="it takes SHARE until the build ends",
        path=PATH,
        span=Span(10, 5, 10, 59),
        revision="4f1c",
        direction=Direction.UPGRADE,
        sql="CREATE INDEX recipe_name_idx ON recipe (name)",
        ordinal=2,
        locks=(Lock(QualifiedName("public", "recipe"), LockMode.SHARE),),
        blocks=("INSERT", "UPDATE", "DELETE", "MERGE"),
        remedy=Remedy(
            advice="build it concurrently, outside the transaction",
            sql="CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name);",
            alembic=(
                "with op.get_context().autocommit_block():\n"
                '    op.create_index("recipe_name_idx", "recipe", ["name"],\n'
                "                    postgresql_concurrently=True)"
            ),
        ),
    )

    def make(**changes: object) -> Finding:
        return replace(base, **changes)  # type: ignore[arg-type] # the fields are the test's choice

    return make


@pytest.fixture
def make_result() -> MakeResult:
    def make(*findings: Finding, **changes: object) -> LintResult:
        fields: dict[str, object] = {
            "statements": 2,
            "judged": 2,
            "unjudged": (),
            "migrations": 1,
            **changes,
        }
        return LintResult(findings=findings, **fields)  # type: ignore[arg-type] # as above

    return make
