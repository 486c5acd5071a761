"""The recorder's idea of transactions against what a real server saw."""

import re
from collections.abc import Iterable

import pytest
import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext, RevisionStep

from safemigrate.source import Project, open_project, record, run_environment
from tests.source.conftest import ASYNC_ENV, ProjectFolder

# How each body sends `note('a')`: a row with the transaction that the server gave it.
HEADER = """
def note(label):
    return f"INSERT INTO seen SELECT '{label}', pg_current_xact_id()::text"

bind = op.get_bind()
"""

BODIES = {
    "plain": """
        op.execute(note("a"))
        op.execute(note("b"))
    """,
    "autocommit block": """
        op.execute(note("a"))
        with op.get_context().autocommit_block():
            op.execute("VACUUM seen")
            op.execute(note("b"))
            op.execute(note("c"))
        op.execute(note("d"))
        op.execute(note("e"))
    """,
    "commit of the bind": """
        op.execute(note("a"))
        bind.commit()
        op.execute(note("b"))
        op.execute(note("c"))
    """,
    "commit of the bind, then an autocommit block": """
        op.execute(note("a"))
        op.get_bind().commit()
        with op.get_context().autocommit_block():
            op.execute("VACUUM seen")
            op.execute(note("b"))
        op.execute(note("c"))
        op.execute(note("d"))
    """,
    "commit as text": """
        op.execute(note("a"))
        op.execute("COMMIT")
        op.execute(note("b"))
        op.execute(note("c"))
    """,
    "commit and begin as text": """
        op.execute(note("a"))
        op.execute("COMMIT")
        op.execute("BEGIN")
        op.execute(note("b"))
        op.execute(note("c"))
        op.execute("END")
        op.execute(note("d"))
    """,
    "commit and chain": """
        op.execute(note("a"))
        op.execute("COMMIT AND CHAIN")
        op.execute(note("b"))
    """,
    "savepoint": """
        with bind.begin_nested():
            op.execute(note("a"))
        op.execute(note("b"))
    """,
    "several statements in one string": """
        op.execute(note("a") + "; " + note("b") + "; COMMIT; " + note("c") + "; " + note("d"))
        op.execute(note("e"))
    """,
    "several statements in one string, in autocommit": """
        with op.get_context().autocommit_block():
            op.execute(note("a") + "; " + note("b"))
            op.execute(note("c"))
            op.execute("BEGIN")
            op.execute(note("d"))
            op.execute(note("e") + "; COMMIT")
            op.execute(note("f"))
    """,
    "second engine in autocommit": """
        engine = sa.create_engine(bind.engine.url, isolation_level="AUTOCOMMIT")
        op.execute(note("a"))
        with engine.connect() as other:
            other.execute(sa.text(note("b")))
            other.execute(sa.text(note("c")))
        engine.dispose()
        op.execute(note("d"))
    """,
    "the same engine again": """
        op.execute(note("a"))
        with bind.engine.begin() as other:
            other.execute(sa.text(note("b")))
            other.execute(sa.text(note("c")))
        op.execute(note("d"))
    """,
    "autocommit on the bind, for good": """
        op.execute(note("a"))
        bind.commit()
        bind.execution_options(isolation_level="AUTOCOMMIT")
        op.execute("VACUUM seen")
        op.execute(note("b"))
        op.execute(note("c"))
    """,
    "session": """
        from sqlalchemy.orm import Session
        session = Session(bind=bind)
        session.execute(sa.text(note("a")))
        session.commit()
        session.execute(sa.text(note("b")))
        op.execute(note("c"))
    """,
    "cursor of the driver": """
        bind.connection.cursor().execute(note("a"))
        bind.connection.commit()
        op.execute(note("b"))
        op.execute(note("c"))
    """,
}

# What runs without a driver's own cursor, several statements in a string, or a second engine.
ASYNC_BODIES = (
    "plain",
    "autocommit block",
    "commit of the bind",
    "commit of the bind, then an autocommit block",
    "commit as text",
    "commit and chain",
    "savepoint",
    "session",
)

# After a COMMIT as text psycopg begins anew, psycopg2 and asyncpg go on without a transaction.
CASES = [
    *((name, "psycopg") for name in BODIES),
    *((name, "psycopg2") for name in BODIES),
    *((name, "asyncpg") for name in ASYNC_BODIES),
]


@pytest.mark.parametrize(("name", "driver"), CASES)
def test_transactions_are_those_the_server_sees(
    folder: ProjectFolder, database: str, name: str, driver: str
) -> None:
    url = sa.make_url(database).set(drivername=f"postgresql+{driver}")
    folder.write_config(url.render_as_string(hide_password=False).replace("%", "%%"))
    if driver == "asyncpg":
        folder.write_env(ASYNC_ENV)
    folder.add("one", HEADER + _dedent(BODIES[name]))
    # what a revision leaves behind shows in the one after it
    folder.add("two", HEADER + 'op.execute(note("y"))\nop.execute(note("z"))')
    project = open_project(folder.config)

    recorded = _recorded(project)
    observed = _observed(project, sa.make_url(database))

    assert recorded == observed


def _dedent(body: str) -> str:
    return "\n".join(line.removeprefix(" " * 8) for line in body.splitlines())


def _recorded(project: Project) -> set[frozenset[str]]:
    history = record(project)
    assert [one.unjudged for one in history.migrations] == [(), ()]
    assert history.notices == ()
    groups: dict[object, set[str]] = {}
    for migration in history.migrations:
        for statement in migration.upgrade:
            label = re.search(r"SELECT '(.)'", statement.sql)
            if label is not None:
                transaction = statement.transaction
                key = statement.ordinal / 100 if transaction is None else transaction
                groups.setdefault((migration.revision, key), set()).add(label.group(1))
    return set(map(frozenset, groups.values()))


def _observed(project: Project, url: sa.URL) -> set[frozenset[str]]:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE seen (label text, xact text)"))

    def upgrade(heads: tuple[str, ...], context: MigrationContext) -> Iterable[RevisionStep]:
        del context
        return project.script._upgrade_revs("heads", heads)  # type: ignore[arg-type]  # None or heads

    run_environment(project, upgrade)
    groups: dict[str, set[str]] = {}
    with engine.connect() as connection:
        for label, xact in connection.execute(sa.text("SELECT label, xact FROM seen")):
            groups.setdefault(xact, set()).add(label)
        versions = connection.scalars(sa.text("SELECT version_num FROM alembic_version")).all()
    engine.dispose()
    assert versions == ["two"]
    return set(map(frozenset, groups.values()))
