"""Projects whose style is looked at, as the command does it."""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import NEWEST_VERSION, Finding, History, LintResult
from safemigrate.source import read_history, read_sql_files
from safemigrate.style import Stylist

ALEMBIC_INI = """\
[alembic]
script_location = %(here)s/migrations
sqlalchemy.url = postgresql+psycopg://nobody@localhost:1/nothing
"""
ENV_PY = """\
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
HEAD = "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = 'one'\ndown_revision = None\n"
SCHEMA = "CREATE TABLE cook (id bigint PRIMARY KEY, name text);"

Style = Callable[..., LintResult]


def _judge(history: History, settings: RuleSettings | None) -> LintResult:
    timeline = walk(history, before=catalog_of_sql(SCHEMA, "schema.sql"), version=NEWEST_VERSION)
    settings = settings or RuleSettings()
    further = Stylist().look(timeline, settings=settings, paths=None)
    return judge(timeline, settings=settings, further=further)


def only_style(result: LintResult) -> Sequence[Finding]:
    """Return the findings of style."""
    return [one for one in result.findings if one.rule.startswith("style/")]


def places(result: LintResult) -> list[tuple[str, int, int]]:
    """Return the rule, line and column of each finding of style, in order."""
    return [
        (one.rule.removeprefix("style/"), one.span.line, one.span.column)
        for one in only_style(result)
    ]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, which is the current one, and no configuration of the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path


@pytest.fixture
def style_sql(here: Path) -> Style:
    """Judges the bytes, or the text, of a file of SQL."""

    def style(text: str | bytes, settings: RuleSettings | None = None) -> LintResult:
        path = here / "file.sql"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return _judge(read_sql_files([path]), settings)

    return style


@pytest.fixture
def style_python(here: Path) -> Style:
    """Judges a revision with this body of upgrade(), which begins on line 9, column 5."""
    (here / "migrations/versions").mkdir(parents=True)
    (here / "alembic.ini").write_text(ALEMBIC_INI, encoding="utf-8")
    (here / "migrations/env.py").write_text(ENV_PY, encoding="utf-8")

    def style(body: str, settings: RuleSettings | None = None) -> LintResult:
        code = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
        text = f"{HEAD}\n\ndef upgrade():\n{code}\n\n\ndef downgrade():\n    pass\n"
        path = here / "migrations/versions/one.py"
        path.write_text(text, encoding="utf-8")
        history = read_history(here / "alembic.ini", version=NEWEST_VERSION, is_remembered=False)
        return _judge(history, settings)

    return style
