"""What revisions do with their connection, and what is recorded of it."""

from collections.abc import Callable

import pytest

from tests.source.conftest import ASYNC_ENV, ProjectFolder

Seen = Callable[[str], list[tuple[str, int | None]]]

BODIES: dict[str, tuple[str, list[tuple[str, int | None]]]] = {
    "execute": ("bind.execute(sa.text('SELECT a FROM t'))", [("SELECT a FROM t", 1)]),
    "scalar": ("assert bind.scalar(sa.text('SELECT a FROM t')) is None", [("SELECT a FROM t", 1)]),
    "scalars": (
        "assert bind.scalars(sa.text('SELECT a FROM t')).all() == []",
        [("SELECT a FROM t", 1)],
    ),
    "many": (
        "bind.execute(sa.text('UPDATE t SET a = :a'), [{'a': 1}, {'a': 2}])",
        [("UPDATE t SET a = $1", 1)],
    ),
    "driver's SQL": (
        "bind.exec_driver_sql('UPDATE t SET a = %s', (1,))",
        [("UPDATE t SET a = $1", 1)],
    ),
    "begin": (
        (
            "bind.commit()\nwith bind.begin():\n    bind.execute(sa.text('VALUES (2)'))\n"
            "bind.execute(sa.text('VALUES (3)'))"
        ),
        [("VALUES (2)", 1), ("VALUES (3)", 2)],
    ),
    "nested": (
        (
            "with bind.begin_nested():\n    bind.execute(sa.text('VALUES (2)'))\n"
            "point = bind.begin_nested()\npoint.rollback()"
        ),
        [
            ("SAVEPOINT sa_savepoint_1", 1),
            ("VALUES (2)", 1),
            ("RELEASE SAVEPOINT sa_savepoint_1", 1),
            ("SAVEPOINT sa_savepoint_2", 1),
            ("ROLLBACK TO SAVEPOINT sa_savepoint_2", 1),
        ],
    ),
    "rollback": (
        "bind.execute(sa.text('VALUES (2)'))\nbind.rollback()\nbind.execute(sa.text('VALUES (3)'))",
        [("VALUES (2)", 1), ("VALUES (3)", 2)],
    ),
    "states": (
        (
            "assert bind.in_transaction() and not bind.in_nested_transaction()\n"
            "assert bind.get_isolation_level() == 'READ COMMITTED' and not bind.closed\n"
            "assert bind.default_isolation_level == 'READ COMMITTED'\n"
            "assert op.get_context().connection is bind is op.get_context().bind\n"
            "assert not context.is_offline_mode() and not op.get_context().as_sql"
        ),
        [],
    ),
    "options": (
        (
            "bind.commit()\nother = bind.execution_options(isolation_level='AUTOCOMMIT')\n"
            "other.execute(sa.text('VACUUM'))"
        ),
        [("VACUUM", None)],
    ),
    "connection as a context manager": (
        (
            "with bind.engine.connect() as other:\n    other.execute(sa.text('VALUES (2)'))\n"
            "    other.commit()\n"
            "with bind.engine.begin() as other:\n    other.execute(sa.text('VALUES (3)'))"
        ),
        [("VALUES (2)", 1), ("VALUES (3)", 2)],
    ),
    "session": (
        (
            "from sqlalchemy.orm import Session, sessionmaker\n"
            "with Session(bind=bind) as session, session.begin():\n"
            "    session.execute(sa.text('VALUES (2)'))\n"
            "with sessionmaker(bind=bind.engine)() as session:\n"
            "    session.execute(sa.text('VALUES (3)'))\n    session.commit()"
        ),
        [("VALUES (2)", 1), ("VALUES (3)", 2)],
    ),
    "table": (
        (
            "table = sa.Table('x', sa.MetaData(), sa.Column('a', sa.Integer))\n"
            "table.create(bind)\ntable.create(bind, checkfirst=True)\n"
            "table.drop(bind)\ntable.drop(bind, checkfirst=True)"
        ),
        [("CREATE TABLE x ( a INTEGER )", 1), ("DROP TABLE x", 1)],
    ),
    "bulk insert": (
        "op.bulk_insert(sa.table('t', sa.column('a')), [{'a': 1}, {'a': 2}])",
        [("INSERT INTO t (a) VALUES ($1)", 1)],
    ),
    "bulk insert, one by one": (
        (
            "op.bulk_insert(sa.table('t', sa.column('a', sa.Integer)), [{'a': 1}, {'a': 2}],"
            " multiinsert=False)"
        ),
        [("INSERT INTO t (a) VALUES ($1)", 1), ("INSERT INTO t (a) VALUES ($1)", 1)],
    ),
    "names": (
        "op.create_index(op.f('ix_t_a'), 't', ['a'])",
        [("CREATE INDEX ix_t_a ON t (a)", 1)],
    ),
    "operation objects": (
        (
            "from alembic.operations import ops\nop.invoke(ops.ExecuteSQLOp('VALUES (2)'))\n"
            "op.invoke(ops.DropTableOp('t'))"
        ),
        [("VALUES (2)", 1), ("DROP TABLE t", 1)],
    ),
    "bound text": (
        (
            "op.execute(sa.text('UPDATE t SET a = :a').bindparams(a=1))\n"
            "text = sa.text('UPDATE t SET a = :a')\n"
            "op.execute(text.bindparams(sa.bindparam('a', 'x', sa.String)))"
        ),
        [("UPDATE t SET a = $1", 1), ("UPDATE t SET a = $1", 1)],
    ),
    "autocommit block": (
        "with op.get_context().autocommit_block():\n    op.execute('VACUUM')",
        [("VACUUM", None)],
    ),
    "the driver's cursor": (
        (
            "cursor = bind.connection.cursor()\ncursor.execute('UPDATE t SET a = %s', (1,))\n"
            "with bind.connection.cursor() as other:\n"
            "    other.executemany('UPDATE t SET b = %(b)s', [{'b': 1}, {'b': 2}])\n"
            "assert bind.connection.dbapi_connection.info.server_version > 100000"
        ),
        [("UPDATE t SET a = $1", 1), ("UPDATE t SET b = $1", 1)],
    ),
    "psycopg's COPY": (
        (
            "cursor = bind.connection.cursor()\n"
            "with cursor.copy('COPY t (a) FROM STDIN') as copy:\n    copy.write_row((1,))\n"
            "with cursor.copy('COPY t TO STDOUT') as copy:\n    assert list(copy) == []"
        ),
        [("COPY t (a) FROM STDIN", 1), ("COPY t TO STDOUT", 1)],
    ),
    "psycopg2's COPY": (
        (
            "import io\ncursor = bind.connection.cursor()\n"
            "cursor.copy_expert('COPY t FROM STDIN', io.StringIO('1'))\n"
            "cursor.copy_from(io.StringIO('1'), 't', columns=('a', 'order'))"
        ),
        [("COPY t FROM STDIN", 1), ('COPY t (a, "order") FROM STDIN', 1)],
    ),
    "psycopg2's extras": (
        (
            "from psycopg2.extras import execute_batch, execute_values\n"
            "cursor = bind.connection.cursor()\n"
            "execute_values(cursor, 'INSERT INTO t (a, b) VALUES %s', [(1, 2), (3, 4)])\n"
            "execute_batch(cursor, 'UPDATE t SET a = %s', [(1,), (2,)])"
        ),
        [
            ("INSERT INTO t (a, b) VALUES ($1,$2),($3,$4)", 1),
            ("UPDATE t SET a = $1", 1),
            ("UPDATE t SET a = $1", 1),
        ],
    ),
    "psycopg's composed SQL": (
        (
            "from psycopg import sql\n"
            "query = sql.SQL('DROP TABLE {}').format(sql.Identifier('t'))\n"
            "bind.connection.cursor().execute(query)"
        ),
        [('DROP TABLE "t"', 1)],
    ),
    "what it is": (
        (
            "assert bind.dialect.name == bind.engine.name == op.get_context().dialect.name\n"
            "assert bind.dialect.server_version_info >= (14, 0)\n"
            "assert bind.engine.url.host == 'db.invalid' and bind.engine.url.database == 'app'\n"
            "assert op.get_context().impl.__dialect__ == 'postgresql'"
        ),
        [],
    ),
    "exactly one row": (
        (
            "assert bind.execute(sa.text('SELECT id, name FROM t')).one().id == 1\n"
            "assert bind.execute(sa.text('SELECT count(*) FROM t')).scalar_one() == 0\n"
            "assert bind.execute(sa.text('SELECT max(a) FROM t')).scalar_one() == 1\n"
            "assert bind.scalar(sa.text('SELECT EXISTS (SELECT 1 FROM t)')) is False\n"
            "assert bind.scalar(sa.text('SELECT coalesce(max(a), 5) FROM t')) == 5\n"
            "assert bind.execute(sa.text('SELECT a FROM t')).one_or_none() is None"
        ),
        [
            ("SELECT id, name FROM t", 1),
            ("SELECT count(*) FROM t", 1),
            ("SELECT max(a) FROM t", 1),
            ("SELECT EXISTS (SELECT 1 FROM t)", 1),
            ("SELECT coalesce(max(a), 5) FROM t", 1),
            ("SELECT a FROM t", 1),
        ],
    ),
    "returned keys": (
        (
            "table = sa.table('t', sa.column('id', sa.Integer), sa.column('a', sa.Integer))\n"
            "insert = sa.insert(table).values(a=2).returning(table.c.id)\n"
            "assert bind.execute(insert).scalar() == 1\n"
            "text = sa.text('INSERT INTO t (a) VALUES (2) RETURNING id')\n"
            "assert bind.execute(text).fetchone()[0] == 1"
        ),
        [
            ("INSERT INTO t (a) VALUES ($1) RETURNING t.id", 1),
            ("INSERT INTO t (a) VALUES (2) RETURNING id", 1),
        ],
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_use_of_the_connection_is_recorded(folder: ProjectFolder, name: str) -> None:
    body, expected = BODIES[name]

    migration = folder.record_one("bind = op.get_bind()\n" + body)

    assert migration.unjudged == ()
    assert [(" ".join(one.sql.split()), one.transaction) for one in migration.upgrade] == expected


def test_asynchronous_function_shares_the_connection(folder: ProjectFolder) -> None:
    folder.write_config("postgresql+asyncpg://db.invalid/app")
    folder.write_env(ASYNC_ENV)
    migration = folder.record_one(
        """
        async def change(connection, number):
            await connection.execute(sa.text(f"VALUES ({number})"))
            assert (await connection.execute(sa.text("SELECT a FROM t"))).all() == []
            await connection.run_sync(lambda each: each.execute(sa.text("VALUES (3)")))

        op.run_async(change, 2)
        """
    )

    assert migration.unjudged == ()
    assert [(one.sql, one.transaction) for one in migration.upgrade] == [
        ("VALUES (2)", 1),
        ("SELECT a FROM t", 1),
        ("VALUES (3)", 1),
    ]
