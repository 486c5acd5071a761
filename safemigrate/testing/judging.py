"""Judge a case of the rule book the way `lint` judges a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent, indent

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import judge, rules
from safemigrate.model import Catalog, Finding, History, ServerVersion, Timeline
from safemigrate.source import open_project, read_sql_files, record
from safemigrate.testing.rulebook import Case, RuleCases

__all__ = ["body_line", "case_history", "case_timeline", "judge_case", "project_of"]

# The lines of a revision file that stand above the body of upgrade().
_HEAD = """\
import sqlalchemy as sa
from alembic import op
revision = "0001"
down_revision = None
def upgrade():
"""
_HEAD_LINES = _HEAD.count("\n")

_ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool
config = context.config
engine = engine_from_config(
    config.get_section(config.config_ini_section, {}),
    prefix="sqlalchemy.",
    poolclass=pool.NullPool,
)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""


@contextmanager
def project_of(case: Case) -> Iterator[Path]:
    """Make an Alembic project whose one revision has the case's bodies; yield its alembic.ini."""
    with TemporaryDirectory(prefix="safemigrate-case-") as folder:
        root = Path(folder)
        (root / "versions").mkdir()
        (root / "alembic.ini").write_text(
            "[alembic]\nscript_location = %(here)s\nsqlalchemy.url = postgresql://\n",
            encoding="utf-8",
        )
        (root / "env.py").write_text(_ENV, encoding="utf-8")
        code = _HEAD + _indented(case.alembic or "pass")
        if case.downgrade is not None:
            code += "def downgrade():\n" + _indented(case.downgrade)
        (root / "versions" / "0001_case.py").write_text(code, encoding="utf-8")
        yield root / "alembic.ini"


def _indented(body: str) -> str:
    return indent(dedent(body).rstrip(), "    ") + "\n"


def case_history(case: Case) -> History:
    """Return the case's migration as `lint` would read it."""
    if case.alembic is not None:
        with project_of(case) as config:
            return record(open_project(config))
    with TemporaryDirectory(prefix="safemigrate-case-") as folder:
        path = Path(folder) / "case.sql"
        path.write_text(case.sql or "", encoding="utf-8")
        return read_sql_files([path])


def case_timeline(cases: RuleCases, case: Case) -> Timeline:
    """Return the timeline of the case over its schema; without one, nothing is known."""
    schema = cases.schema_of(case)
    before = catalog_of_sql(schema, f"{cases.rule}.yml") if schema.strip() else Catalog()
    return walk(case_history(case), before=before, version=ServerVersion(case.pg))


def judge_case(cases: RuleCases, case: Case) -> tuple[Finding, ...]:
    """Return the findings of all rules; `body_line` tells where in the code of the case.

    The rule of the file is on, also where it is off by default.
    """
    own = rules().get(cases.rule)
    settings = RuleSettings(
        severities={} if own is None else {own.name: own.severity}, options=cases.options_of(case)
    )
    return judge(case_timeline(cases, case), settings=settings).findings


def body_line(case: Case, finding: Finding) -> int:
    """Return the finding's line within the case's own code."""
    return finding.span.line - (_HEAD_LINES if case.alembic is not None else 0)
