"""Revisions recorded without a database."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.operations import batch as alembic_batch
from sqlalchemy.dialects import registry

from safemigrate.errors import NotPostgresError
from safemigrate.model import Direction, DowngradeKind, ServerVersion, Span
from safemigrate.source import open_project, record
from tests.source.conftest import ASYNC_ENV, ENV, ProjectFolder

Seen = Callable[[str], list[tuple[str, int | None]]]


def squeeze(sql: str) -> str:
    return " ".join(sql.split())


def test_revision_is_described(folder: ProjectFolder) -> None:
    path = folder.add("one", "op.execute('SELECT 2')", downgrade="op.execute('SELECT 3')")

    history = folder.record()

    (migration,) = history.migrations
    assert history.is_complete
    assert history.notices == ()
    assert migration.path == "migrations/versions/one_.py"
    assert migration.text == path.read_text()
    assert migration.revision == "one"
    assert migration.message == "Revision one"
    assert migration.down_revisions == ()
    assert (migration.upgrade_line, migration.downgrade_line) == (12, 16)
    assert migration.downgrade_kind is DowngradeKind.PRESENT
    (upgrade,), (downgrade,) = migration.upgrade, migration.downgrade
    assert (upgrade.sql, upgrade.direction) == ("SELECT 2", Direction.UPGRADE)
    assert (downgrade.sql, downgrade.direction) == ("SELECT 3", Direction.DOWNGRADE)
    assert (upgrade.ordinal, downgrade.ordinal) == (1, 1)
    assert (upgrade.transaction, downgrade.transaction) == (1, 1)
    assert upgrade.revision == "one"
    assert not upgrade.is_literal


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (None, DowngradeKind.MISSING),
        ("pass", DowngradeKind.EMPTY),
        ("raise NotImplementedError('no way back')", DowngradeKind.REFUSES),
        ("op.drop_table('t')", DowngradeKind.PRESENT),
    ],
)
def test_downgrade_is_of_its_kind(
    folder: ProjectFolder, body: str | None, kind: DowngradeKind
) -> None:
    folder.add("one", "pass", downgrade=body)

    (migration,) = folder.record().migrations

    assert migration.downgrade_kind is kind
    assert migration.unjudged == ()


def test_missing_upgrade_is_unjudged(folder: ProjectFolder) -> None:
    path = folder.add("one", "pass")
    path.write_text(path.read_text().replace("def upgrade", "def upgraded"))

    (migration,) = folder.record().migrations

    assert [one.reason for one in migration.unjudged] == ["has no function upgrade()"]


def test_branches_and_merges_come_in_the_order_of_alembic(folder: ProjectFolder) -> None:
    folder.add("root", "pass")
    folder.add("left", "pass", down="root")
    folder.add("right", "pass", down="root")
    folder.add("far", "pass", down="right")
    folder.add("merge", "pass", down=("left", "far"))
    folder.add("other", "pass", down=None, depends_on="merge")

    history = folder.record()
    order = [one.revision for one in history.migrations]

    steps = open_project(folder.config).script._upgrade_revs("heads", ())  # type: ignore[arg-type]  # as Alembic calls it
    assert order == [step.revision.revision for step in steps]
    for one in history.migrations:
        assert all(
            order.index(down) < order.index(str(one.revision)) for down in one.down_revisions
        )
    assert order.index("merge") < order.index("other")
    merge = history.migrations[order.index("merge")]
    assert merge.down_revisions == ("left", "far")


def test_span_is_the_call_that_sent_the_statement(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        '''
        op.execute(
            """
            SELECT 2
            """
        ); "é"; op.execute("SELECT 'é'")
        '''
    )

    first, second = (one.span for one in migration.upgrade)
    assert first == Span(13, 5, 17, 6)
    assert second == Span(17, 13, 17, 37)


def test_statement_of_a_batch_has_the_place_of_its_own_call(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        with op.batch_alter_table("t") as batch:
            batch.add_column(sa.Column("x", sa.Integer))
            for name in ("y", "z"):
                batch.drop_column(name)
            batch.alter_column(
                "a", type_=sa.Text, nullable=False
            )
        op.execute("SELECT 1")
        """
    )

    assert [
        (one.sql.partition(" ")[0], one.span.line, one.span.column) for one in migration.upgrade
    ] == [
        ("ALTER", 14, 9),
        ("ALTER", 16, 13),
        ("ALTER", 16, 13),
        ("ALTER", 17, 9),
        ("ALTER", 17, 9),
        ("SELECT", 20, 5),
    ]
    assert migration.upgrade[3].span.end_line == 19


def test_batch_that_copies_the_table_has_the_place_of_its_block(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer))
        with op.batch_alter_table("t", recreate="always", copy_from=table) as batch:
            batch.add_column(sa.Column("x", sa.Integer))
        """
    )

    assert len(migration.upgrade) == 4
    assert {one.span.line for one in migration.upgrade} == {14}


def test_batch_that_fails_places_nothing_behind_it(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        try:
            with op.batch_alter_table("t") as batch:
                batch.add_column(sa.Column("x", sa.Integer))
                batch.add_column(sa.Column("y"))
        except Exception:
            pass
        op.execute("SELECT 1")
        """
    )

    assert [one.span.line for one in migration.upgrade] == [15, 19]


@pytest.mark.parametrize(
    ("sql", "is_change"),
    [
        ("CREATE TABLE t (a int)", True),
        ("do $$ begin end $$", True),
        ("CREATE SCHEMA IF NOT EXISTS app", False),
        ("SET search_path = app", False),
    ],
)
def test_what_the_environment_sends_first_is_its_setup(
    folder: ProjectFolder, sql: str, *, is_change: bool
) -> None:
    folder.write_env(
        ENV.replace(
            "        context.configure",
            f"        connection.exec_driver_sql({sql!r})\n"
            "        connection.commit()\n"
            "        context.configure",
        )
    )
    folder.add("one", "op.execute('CREATE TABLE u (a int)')")

    history = folder.record()

    assert [(one.sql, one.path, one.span.line) for one in history.setup] == [
        (sql, "migrations/env.py", 14)
    ]
    assert history.is_complete
    expected = ("env.py itself changes the schema, which is not judged",) if is_change else ()
    assert history.notices == expected


def test_environment_that_changes_the_schema_afterwards_leaves_the_history_incomplete(
    folder: ProjectFolder,
) -> None:
    folder.write_env(
        ENV.replace(
            "            context.run_migrations()",
            "            context.run_migrations()\n"
            "            connection.exec_driver_sql('CREATE TABLE t (a int)')",
        )
    )
    folder.add("one", "pass")

    history = folder.record()

    assert (history.is_complete, history.setup) == (False, ())
    assert history.notices == ("env.py itself changes the schema, which is not judged",)


def test_history_without_its_environment_is_not_complete(folder: ProjectFolder) -> None:
    folder.write_env("import no_such_module\n")
    folder.add("one", "op.execute('CREATE TABLE u (a int)')")

    history = folder.record()

    assert len(history.notices) == 1
    assert not history.is_complete


def test_batches_are_alembics_own_again_after_the_recording(folder: ProjectFolder) -> None:
    before = alembic_batch.BatchOperationsImpl

    folder.record_one("pass")

    assert alembic_batch.BatchOperationsImpl is before


def test_statement_of_a_module_has_the_line_of_the_call_in_the_revision(
    folder: ProjectFolder,
) -> None:
    folder.write_module(
        "application.py",
        "def change(op):\n    for n in (2, 3):\n        op.execute(f'SELECT {n}')\n",
    )
    folder.add("one", "change(op)", head="from application import change\n\n\n")

    (migration,) = folder.record().migrations

    assert [(one.sql, one.span) for one in migration.upgrade] == [
        ("SELECT 2", Span(16, 5, 16, 15)),
        ("SELECT 3", Span(16, 5, 16, 15)),
    ]


def test_autocommit_block_is_outside_a_transaction(seen: Seen) -> None:
    assert seen(
        """
        op.execute("SELECT 2")
        with op.get_context().autocommit_block():
            op.create_index("i", "t", ["a"], postgresql_concurrently=True)
        op.execute("SELECT 3")
        """
    ) == [
        ("SELECT 2", 1),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", None),
        ("SELECT 3", 2),
    ]


@pytest.mark.parametrize(
    ("url", "second"),
    [
        # proved for these two in test_truth.py, where the driver is installed
        ("postgresql+psycopg://db.invalid/app", 2),
        ("postgresql+psycopg2://db.invalid/app", None),
        ("postgresql+pg8000://db.invalid/app", 2),
        ("postgresql+asyncpg://db.invalid/app", None),
    ],
)
def test_commit_as_text_depends_on_the_driver(
    folder: ProjectFolder, url: str, second: int | None
) -> None:
    folder.write_config(url)
    migration = folder.record_one('op.execute("COMMIT"); op.execute("VACUUM")')

    assert [one.transaction for one in migration.upgrade] == [1, second]


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "driver://user:pass@localhost/dbname",
        "%(no_such_option)s",
        "postgresql://",
        "postgresql+psycopg_async://db.invalid/app",
        "postgresql+no_such_driver://db.invalid/app",
    ],
)
def test_any_postgresql_url_and_none_will_do(folder: ProjectFolder, url: str | None) -> None:
    folder.write_config(url)
    folder.add("one", "op.execute('SELECT 2'); assert op.get_bind().dialect.name == 'postgresql'")

    history = folder.record()

    assert history.notices == ()
    assert [one.sql for one in history.migrations[0].upgrade] == ["SELECT 2"]
    assert history.migrations[0].unjudged == ()


def test_url_that_the_environment_has_of_its_own_is_kept(folder: ProjectFolder) -> None:
    folder.write_config(None)
    folder.write_env(
        """
        from alembic import context
        from sqlalchemy import create_engine

        url = context.config.get_main_option("sqlalchemy.url") or "postgresql+psycopg2://"
        with create_engine(url).connect() as connection:
            context.configure(connection=connection)
            context.run_migrations()
        """
    )
    migration = folder.record_one('op.execute("COMMIT"); op.execute("VACUUM")')

    assert [one.transaction for one in migration.upgrade] == [1, None]


def test_failure_after_the_migrations_is_a_notice(folder: ProjectFolder) -> None:
    folder.write_env(ENV + "\nraise ValueError('late')\n")
    folder.add("one", "op.execute('SELECT 2')")

    history = folder.record()

    assert [one.sql for one in history.migrations[0].upgrade] == ["SELECT 2"]
    (notice,) = history.notices
    assert notice.startswith("after the migrations env.py goes wrong")
    assert "late" in notice


def test_other_kind_of_database_is_refused(folder: ProjectFolder) -> None:
    folder.write_config("mysql+no_such_driver://db.invalid/app")
    folder.add("one", "pass")

    with pytest.raises(NotPostgresError):
        folder.record()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite+aiosqlite:///app.db"])
def test_sqlite_of_a_developer_is_judged_as_postgres(folder: ProjectFolder, url: str) -> None:
    folder.write_config(url)
    folder.add("one", "op.execute(f'SELECT {op.get_bind().dialect.name!r}')")

    history = folder.record()

    assert [one.sql for one in history.migrations[0].upgrade] == ["SELECT 'postgresql'"]
    assert history.notices == (
        'env.py connects to "sqlite"; its migrations are judged as PostgreSQL runs them',
    )
    assert not (folder.root / "app.db").exists()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_asynchronous_environment_is_run_where_greenlet_is_installed(
    folder: ProjectFolder, driver: str
) -> None:
    folder.write_config(f"postgresql+{driver}://db.invalid/app")
    folder.write_env(ASYNC_ENV)
    folder.add(
        "one",
        """
        op.execute("SELECT 2")
        with op.get_context().autocommit_block():
            op.execute("VACUUM")
        """,
    )

    history = folder.record()

    (migration,) = history.migrations
    assert [(one.sql, one.transaction) for one in migration.upgrade] == [
        ("SELECT 2", 1),
        ("VACUUM", None),
    ]
    assert history.notices == ()


def test_session_and_flush_are_recorded(seen: Seen) -> None:
    found = seen(
        """
        from sqlalchemy import orm

        class Base(orm.DeclarativeBase):
            pass

        class Parent(Base):
            __tablename__ = "parent"
            id = sa.Column(sa.Integer, primary_key=True)

        class Child(Base):
            __tablename__ = "child"
            id = sa.Column(sa.Uuid, primary_key=True, server_default=sa.func.gen_random_uuid())
            parent_id = sa.Column(sa.ForeignKey("parent.id"))
            parent = orm.relationship(Parent)

        session = orm.Session(bind=op.get_bind())
        session.add_all([Child(parent=Parent()), Child(parent=Parent())])
        session.flush()
        session.execute(sa.update(Child).values(parent_id=None))
        session.commit()
        op.execute("SELECT 2")
        """
    )

    assert found == [
        ("INSERT INTO parent DEFAULT VALUES RETURNING parent.id", 1),
        ("INSERT INTO parent DEFAULT VALUES RETURNING parent.id", 1),
        ("INSERT INTO child (parent_id) VALUES ($1) RETURNING child.id", 1),
        ("INSERT INTO child (parent_id) VALUES ($1) RETURNING child.id", 1),
        ("UPDATE child SET parent_id=$1", 1),
        ("SELECT 2", 1),
    ]


def test_tables_are_created_through_the_bind(seen: Seen) -> None:
    found = seen(
        """
        table = sa.Table("t", sa.MetaData(), sa.Column("a", sa.Integer))
        table.create(op.get_bind())
        table.metadata.create_all(op.get_bind(), checkfirst=False)
        table.drop(op.get_bind())
        """
    )

    assert [squeeze(sql) for sql, _ in found] == [
        "CREATE TABLE t ( a INTEGER )",
        "CREATE TABLE t ( a INTEGER )",
        "DROP TABLE t",
    ]


def test_create_all_asks_first_and_is_told(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        metadata = sa.MetaData()
        sa.Table("t", metadata, sa.Column("a", sa.Enum("x", name="e")))
        metadata.create_all(op.get_bind())
        """
    )

    assert [(squeeze(one.sql), one.is_assumed) for one in migration.upgrade] == [
        ("CREATE TYPE e AS ENUM ('x')", False),
        ("CREATE TABLE t ( a e )", False),
    ]
    assert migration.unjudged == ()
    assert migration.assumptions == ()


def test_second_engine_is_recorded_with_its_own_transactions(seen: Seen) -> None:
    assert seen(
        """
        op.execute("SELECT 2")
        engine = sa.create_engine("postgresql+psycopg2://db.invalid/other")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM"))
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT 3"))
        op.execute("SELECT 4")
        """
    ) == [("SELECT 2", 1), ("VACUUM", None), ("SELECT 3", 2), ("SELECT 4", 1)]


def test_many_rows_are_one_statement(seen: Seen) -> None:
    assert seen(
        """
        table = sa.table("t", sa.column("a"), sa.column("b"))
        op.bulk_insert(table, [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
        op.get_bind().execute(sa.text("UPDATE t SET a = :a"), [{"a": 1}, {"a": 2}])
        """
    ) == [("INSERT INTO t (a, b) VALUES ($1, $2)", 1), ("UPDATE t SET a = $1", 1)]


def test_percent_signs_are_as_the_server_gets_them(seen: Seen) -> None:
    assert seen(
        """
        op.execute("SELECT '100%' LIKE '%%'")
        op.execute(sa.text("SELECT a % 2, :b").bindparams(b=1))
        op.create_check_constraint("c", "t", "a % 2 = 0")
        bind = op.get_bind()
        bind.exec_driver_sql("SELECT '%%'")
        bind.exec_driver_sql("SELECT %s, '%%', %s", (1, 2))
        bind.exec_driver_sql("SELECT %(a)s, %(b)s, %(a)s", {"a": 1, "b": 2})
        bind.connection.cursor().execute("SELECT '%'")
        """
    ) == [
        ("SELECT '100%' LIKE '%%'", 1),
        ("SELECT a % 2, $1", 1),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a % 2 = 0)", 1),
        ("SELECT '%'", 1),
        ("SELECT $1, '%', $2", 1),
        ("SELECT $1, $2, $1", 1),
        ("SELECT '%'", 1),
    ]


def test_string_of_several_statements_is_taken_apart(seen: Seen) -> None:
    assert seen(
        """
        op.execute("SELECT ';'; -- one; two\\n SELECT 3;")
        op.execute("SELECT 4;")
        op.execute(" ")
        """
    ) == [("SELECT ';'", 1), ("SELECT 3", 1), ("SELECT 4", 1)]


@pytest.mark.parametrize(
    "look",
    [
        "bind.execute(query).fetchall()",
        "bind.execute(query).first()",
        "bind.scalar(query)",
        "list(bind.execute(query))",
        "bind.execute(sa.insert(table).values(a=1).returning(table.c.a)).scalar()",
        "sa.inspect(bind).get_view_definition('v')",
        "sa.inspect(bind).has_table('t')",
        "sa.inspect(bind).get_columns",
    ],
)
def test_what_follows_a_look_is_assumed(folder: ProjectFolder, look: str) -> None:
    migration = folder.record_one(
        """
        bind, query = op.get_bind(), sa.text("SELECT a FROM t")
        table = sa.table("t", sa.column("a"))
        op.execute("CREATE VIEW v AS SELECT 2")
        LOOK
        op.execute("SELECT 3")
        """.replace("LOOK", look),
        downgrade="op.execute('SELECT 4')",
    )

    is_look = "get_columns" not in look and "has_table" not in look
    assumed = {one.sql: one.is_assumed for one in migration.upgrade}
    assert (assumed["CREATE VIEW v AS SELECT 2"], assumed["SELECT 3"]) == (False, is_look)
    assert not migration.downgrade[0].is_assumed
    assert [one.line for one in migration.assumptions] == [16] * is_look
    assert [one.revision for one in migration.assumptions] == ["one"] * is_look
    assert migration.unjudged == ()


def test_query_whose_answer_nobody_reads_is_no_look(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        op.execute("SELECT pg_advisory_xact_lock(1)")
        op.get_bind().execute(sa.text("SELECT set_config('a.b', 'c', false)"))
        table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True))
        op.get_bind().execute(sa.insert(table)).inserted_primary_key[0] + 1
        op.get_bind().execute(sa.text("UPDATE t SET a = 1")).rowcount
        """
    )

    assert migration.unjudged == ()
    assert not any(one.is_assumed for one in migration.upgrade)


def test_version_of_the_server_is_known(folder: ProjectFolder) -> None:
    folder.add(
        "one",
        """
        bind = op.get_bind()
        assert bind.dialect.server_version_info == (16, 0)
        assert bind.scalar(sa.text("SHOW server_version_num")) == "160000"
        assert bind.scalar(sa.text("SELECT version()")).startswith("PostgreSQL 16")
        """,
    )

    history = record(open_project(folder.config), version=ServerVersion(16))

    assert history.migrations[0].unjudged == ()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("{}['key']", "KeyError: no key 'key'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise NotImplementedError", "NotImplementedError"),
        ("raise ValueError('one\\n  two')", "ValueError: one"),
        ("sa.Table('t', sa.MetaData(), autoload_with=op.get_bind())", "NoSuchTableError: t"),
        ("op.drop_constraint(None, 't')", "CompileError: Can't emit DROP CONSTRAINT"),
    ],
)
def test_exception_leaves_the_rest_judged(
    folder: ProjectFolder, statement: str, reason: str
) -> None:
    folder.add("one", f'op.execute("SELECT 2")\n{statement}', downgrade="op.execute('SELECT 3')")
    folder.add("two", 'op.execute("SELECT 4")')

    first, second = folder.record().migrations

    assert [one.sql for one in first.upgrade] == ["SELECT 2"]
    assert first.unjudged[-1].reason.startswith(reason)
    assert {one.line for one in first.unjudged} == {14}
    assert [one.sql for one in first.downgrade] == ["SELECT 3"]
    assert [(one.sql, one.transaction) for one in second.upgrade] == [("SELECT 4", 1)]
    assert second.unjudged == ()


@pytest.mark.parametrize(
    "loop",
    [
        "while not bind.execute(query).all():\n    pass",
        "while True:\n    try:\n        bind.execute(query)\n    except Exception:\n        pass",
    ],
    ids=["waiting", "swallowing"],
)
def test_loop_without_end_is_cut(folder: ProjectFolder, loop: str) -> None:
    folder.add("one", f"bind, query = op.get_bind(), sa.text('TABLE t')\n{loop}")
    folder.add("two", 'op.execute("SELECT 2")')

    first, second = folder.record().migrations

    assert {squeeze(one.sql) for one in first.upgrade} == {"TABLE t"}
    assert len(first.upgrade) <= 2
    assert "the rest was cut" in first.unjudged[-1].reason
    assert [(one.sql, one.transaction) for one in second.upgrade] == [("SELECT 2", 1)]
    assert second.unjudged == ()


def test_loop_over_batches_ends_when_nothing_is_changed(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        while op.get_bind().execute(sa.text("DELETE FROM t WHERE a IN (SELECT 1)")).rowcount:
            pass
        op.execute("SELECT 2")
        """
    )

    assert [one.sql for one in migration.upgrade][-1] == "SELECT 2"
    assert migration.unjudged == ()


@pytest.mark.parametrize(
    "body",
    [
        "op.get_bind().close()",
        "op.get_bind().commit(); op.get_bind().execution_options(isolation_level='AUTOCOMMIT')",
        "op.get_bind().connection.dbapi_connection.autocommit = True",
        "op.get_bind().commit(); op.execute('SELECT 5')",
        "op.get_bind().invalidate()",
    ],
)
def test_downgrade_leaves_nothing_behind(folder: ProjectFolder, body: str) -> None:
    folder.add("one", "pass", downgrade=body)
    folder.add("two", 'op.execute("SELECT 2")')

    _, second = folder.record().migrations

    assert [(one.sql, one.transaction) for one in second.upgrade] == [("SELECT 2", 1)]
    assert second.unjudged == ()


def test_environment_that_cannot_be_run_is_left_out_and_named(folder: ProjectFolder) -> None:
    folder.write_env("import nowhere_to_be_found\n" + ENV)
    folder.add("one", "op.execute('SELECT 2'); assert not context.is_offline_mode()")

    history = folder.record()

    assert [one.sql for one in history.migrations[0].upgrade] == ["SELECT 2"]
    assert history.migrations[0].unjudged == ()
    (notice,) = history.notices
    assert "nowhere_to_be_found" in notice
    assert "migrations/env.py:1" in notice


def test_missing_environment_is_named(folder: ProjectFolder) -> None:
    (folder.root / "migrations" / "env.py").unlink()
    folder.add("one", "op.execute('SELECT 2')")

    history = folder.record()

    assert len(history.notices) == 1
    assert len(history.migrations[0].upgrade) == 1


def test_transaction_that_the_environment_opens_is_followed(folder: ProjectFolder) -> None:
    folder.write_env(
        """
        from alembic import context
        from sqlalchemy import create_engine, text
        with create_engine("postgresql://").begin() as connection:
            connection.execute(text("SET lock_timeout = '1s'"))
            context.configure(connection=connection)
            context.run_migrations()
        """
    )
    folder.add("one", "op.execute('SELECT 2'); raise ValueError")
    folder.add("two", "op.execute('SELECT 3')")

    history = folder.record()

    assert history.notices == ()
    assert [
        [(one.sql, one.transaction) for one in migration.upgrade]
        for migration in history.migrations
    ] == [[("SELECT 2", 1)], [("SELECT 3", 1)]]


def test_arguments_of_run_migrations_reach_the_revisions(folder: ProjectFolder) -> None:
    env = (folder.root / "migrations" / "env.py").read_text()
    folder.write_env(env.replace("run_migrations()", "run_migrations(number=7)"))
    path = folder.add("one", "op.execute(f'SELECT {number}')")
    path.write_text(path.read_text().replace("grade():", "grade(number):"))

    (migration,) = folder.record().migrations

    assert [one.sql for one in migration.upgrade] == ["SELECT 7"]
    assert migration.unjudged == ()


def test_environment_that_runs_several_times_is_read_once(folder: ProjectFolder) -> None:
    env = (folder.root / "migrations" / "env.py").read_text()
    folder.write_env(env + "\nrun()\n")
    folder.add("one", "op.execute('SELECT 2')")

    history = folder.record()

    assert len(history.migrations) == 1
    assert history.notices == ("env.py runs the migrations 2 times",)
    assert history.further == ()


def test_nothing_connects_to_a_database(
    folder: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg  # noqa: PLC0415 - what must not be called

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(psycopg.Connection, "connect", refuse)
    monkeypatch.setattr(psycopg, "connect", refuse)
    folder.write_module(
        "application.py",
        "from sqlalchemy import create_engine\n"
        "url = 'postgresql+psycopg://db.invalid/app'\n"
        "early = create_engine(url, isolation_level='AUTOCOMMIT')\n"
        "def late():\n"
        "    return create_engine(url)\n",
    )
    folder.add(
        "one",
        """
        for engine in (early, late(), sa.create_engine("postgresql+psycopg://db.invalid/app")):
            with engine.connect() as connection:
                connection.execute(sa.text("SELECT 2"))
        """,
        head="from application import early, late\n\n\n",
    )

    (migration,) = folder.record().migrations

    assert migration.unjudged == ()
    assert [one.transaction for one in migration.upgrade] == [None, 1, 2]


def test_engine_with_a_creator_does_not_connect(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        def connect():
            raise AssertionError
        with sa.create_engine("postgresql+psycopg://", creator=connect).connect() as connection:
            connection.execute(sa.text("SELECT 2"))
        """
    )

    assert [one.sql for one in migration.upgrade] == ["SELECT 2"]
    assert migration.unjudged == ()


@pytest.mark.parametrize("place", ["revision", "environment"])
def test_options_of_an_engine_are_kept(folder: ProjectFolder, place: str) -> None:
    folder.write_module(
        "application.py",
        """
        from sqlalchemy import create_engine
        engine = create_engine("postgresql+psycopg://db.invalid/app")
        outside = engine.execution_options(isolation_level="AUTOCOMMIT")
        """,
    )
    load = "from application import engine, outside\n"
    if place == "environment":
        folder.write_env(load + ENV)
    folder.add(
        "one",
        """
        from application import engine, outside
        again = engine.execution_options(isolation_level="AUTOCOMMIT")
        for one in (engine, outside, again, outside):
            with one.connect() as connection:
                connection.execute(sa.text("SELECT '%', :a"), {"a": 1})
        """,
        head=load if place == "revision" else "",
    )

    (migration,) = folder.record().migrations

    assert migration.unjudged == ()
    assert [(one.sql, one.transaction) for one in migration.upgrade] == [
        ("SELECT '%', $1", number) for number in (1, None, None, None)
    ]
    application = sys.modules["application"]
    assert {application.engine.dialect.driver, application.outside.dialect.driver} == {"psycopg"}
    assert application.engine.pool is application.outside.pool


def test_engine_of_another_kind_of_database_is_unjudged(folder: ProjectFolder) -> None:
    migration = folder.record_one('sa.create_engine("sqlite:///file.db").connect()')

    assert [one.reason.partition(":")[0] for one in migration.unjudged] == ["NotPostgresError"]
    assert not (folder.root / "file.db").exists()


def test_engine_from_before_is_unjudged(folder: ProjectFolder) -> None:
    import sqlalchemy as sa  # noqa: PLC0415 - for this test alone

    module = type(sys)("made_before")
    module.engine = sa.create_engine("postgresql+psycopg://db.invalid/app")  # type: ignore[attr-defined]  # the point of it
    sys.modules["made_before"] = module
    try:
        migration = folder.record_one("import made_before; made_before.engine.connect()")
    finally:
        del sys.modules["made_before"]

    (unjudged,) = migration.unjudged
    assert unjudged.reason.startswith("EnvironmentSetupError: the migrations use an engine")


def test_registry_and_configuration_are_as_they_were(folder: ProjectFolder) -> None:
    impls, auto_fn = registry.impls, registry.auto_fn
    contents = dict(impls)
    folder.write_config(None)
    folder.add("one", "raise ValueError")
    project = open_project(folder.config)

    record(project)

    assert registry.impls is impls
    assert registry.auto_fn is auto_fn
    assert impls == contents
    assert project.config.get_main_option("sqlalchemy.url") is None


def test_project_can_be_recorded_again(folder: ProjectFolder) -> None:
    folder.add("one", "op.create_table('t', sa.Column('a', sa.Integer)); {}['x']")
    project = open_project(folder.config)

    assert record(project) == record(project)


def test_output_of_the_project_is_not_ours(
    folder: ProjectFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.add(
        "one",
        """
        import logging, warnings
        print("printed")
        logging.getLogger("alembic").info("logged")
        warnings.warn("warned")
        """,
    )

    folder.record()

    assert capsys.readouterr().out == ""


def test_history_of_this_repository_is_judged_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)
    monkeypatch.setattr(sys, "path", [*sys.path])

    history = record(open_project(Path("alembic.ini")))

    for name in ("migrations", "migrations.models"):
        # other projects have a folder of that name
        sys.modules.pop(name, None)
    assert history.notices == ()
    assert len(history.migrations) > 10
    assert [one.unjudged for one in history.migrations if one.unjudged] == []
    assert not any(one.is_assumed for each in history.migrations for one in each.upgrade)
