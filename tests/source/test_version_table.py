"""The SQL that Alembic writes, without what it says about its version table."""

import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from safemigrate.source import read_sql_files

ENV = """
from alembic import context

context.configure(url="postgresql://", literal_binds=True, {options})
with context.begin_transaction():
    context.run_migrations()
"""

REVISION = """
from alembic import op

revision = "{name}"
down_revision = {after!r}


def upgrade():
    op.execute("ALTER TABLE recipe ADD COLUMN {name} text")


def downgrade():
    op.execute("ALTER TABLE recipe DROP COLUMN {name}")
"""


@pytest.fixture(
    params=[
        "",
        'version_table="Odd Name", version_table_schema="app"',
        "version_table_pk=False",
        "transaction_per_migration=True",
    ]
)
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Config:
    (tmp_path / "m/versions").mkdir(parents=True)
    (tmp_path / "m/env.py").write_text(ENV.format(options=request.param))
    for name, after in (("a1", None), ("b1", "a1")):
        (tmp_path / f"m/versions/{name}.py").write_text(REVISION.format(name=name, after=after))
    config = Config()
    config.set_main_option("script_location", str(tmp_path / "m"))
    return config


def read(path: Path, text: str) -> list[str]:
    path.write_text(text, encoding="utf-8")
    (migration,) = read_sql_files([path]).migrations
    return [one.sql for one in migration.upgrade if one.sql not in {"BEGIN", "COMMIT"}]


def test_an_upgrade_written_by_alembic_is_the_users_statements(
    project: Config, tmp_path: Path
) -> None:
    project.output_buffer = io.StringIO()
    command.upgrade(project, "head", sql=True)
    text = project.output_buffer.getvalue()
    assert "version_num" in text
    assert read(tmp_path / "1.sql", text) == [
        "ALTER TABLE recipe ADD COLUMN a1 text",
        "ALTER TABLE recipe ADD COLUMN b1 text",
    ]


def test_a_downgrade_written_by_alembic_is_the_users_statements(
    project: Config, tmp_path: Path
) -> None:
    project.output_buffer = io.StringIO()
    with redirect_stdout(io.StringIO()):
        command.downgrade(project, "b1:base", sql=True)
    text = project.output_buffer.getvalue() + "DROP TABLE alembic_version;"
    assert "version_num" in text
    assert read(tmp_path / "1.sql", text) == [
        "ALTER TABLE recipe DROP COLUMN b1",
        "ALTER TABLE recipe DROP COLUMN a1",
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE version",
        "DROP TABLE alembic_version, recipe",
        "DROP TABLE alembic_version CASCADE",
        "UPDATE alembic_version SET version_num = 'a'",
        "DELETE FROM alembic_version",
        "CREATE TABLE t (version_num VARCHAR(32) NOT NULL, other text)",
        "INSERT INTO t (version_num) SELECT 'a'",
    ],
)
def test_what_somebody_else_writes_is_kept(tmp_path: Path, sql: str) -> None:
    assert read(tmp_path / "1.sql", sql) == [sql]


def test_the_statements_that_are_left_keep_their_places(tmp_path: Path) -> None:
    path = tmp_path / "1.sql"
    path.write_text("BEGIN;\nUPDATE t SET version_num='b' WHERE t.version_num = 'a';\nSELECT 1;\n")
    (migration,) = read_sql_files([path]).migrations
    last = migration.upgrade[-1]
    assert (last.sql, last.span.line, last.ordinal, last.transaction) == ("SELECT 1", 3, 2, 1)
