"""Lint of a text, the way the command does it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import NEWEST_VERSION, LintResult
from safemigrate.source import read_sql_files
from safemigrate.testing import Case, RuleCases, case_timeline

SCHEMA = """\
CREATE TABLE cook (id bigint PRIMARY KEY, name text);
CREATE TABLE recipe (id bigint PRIMARY KEY, name text, email text, servings integer);
"""

Lint = Callable[..., LintResult]


@pytest.fixture
def lint_sql(tmp_path: Path) -> Lint:
    """Lints a file of SQL over two tables."""

    def lint(text: str, settings: RuleSettings | None = None) -> LintResult:
        path = tmp_path / "file.sql"
        path.write_text(text, encoding="utf-8")
        before = catalog_of_sql(SCHEMA, "schema.sql")
        timeline = walk(read_sql_files([path]), before=before, version=NEWEST_VERSION)
        return judge(timeline, settings=settings or RuleSettings())

    return lint


@pytest.fixture
def lint_python() -> Lint:
    """Lints a revision whose functions have these bodies, over two tables."""

    def lint(
        upgrade: str, downgrade: str = "pass", settings: RuleSettings | None = None
    ) -> LintResult:
        case = Case(id="revision", good_alembic=upgrade, downgrade=downgrade)
        timeline = case_timeline(RuleCases(rule="none", schema=SCHEMA, cases=(case,)), case)
        settings = settings or RuleSettings(disabled=frozenset({"empty-downgrade"}))
        return judge(timeline, settings=settings)

    return lint
