"""Revisions that ask what the schema is."""

import pytest

from safemigrate.model import Migration
from safemigrate.source import record  # noqa: F401 - the fixtures record
from tests.source.conftest import ENV, ProjectFolder


def sent(migration: Migration) -> list[str]:
    return [" ".join(one.sql.split()) for one in migration.upgrade]


def is_assumed(migration: Migration) -> bool:
    return any(one.is_assumed for one in (*migration.upgrade, *migration.downgrade))


def test_idempotent_revisions_do_what_the_schema_asks_for(folder: ProjectFolder) -> None:
    folder.add("one", "op.create_table('a', sa.Column('id', sa.Integer, primary_key=True))")
    folder.add(
        "two",
        """
        inspector = sa.inspect(op.get_bind())
        for name in ("a", "b"):
            if not inspector.has_table(name):
                op.create_table(name, sa.Column("id", sa.Integer))
        if "x" not in [column["name"] for column in inspector.get_columns("a")]:
            op.add_column("a", sa.Column("x", sa.Integer))
        """,
    )
    folder.add(
        "three",
        """
        bind = op.get_bind()
        columns = {one["name"]: one["type"] for one in sa.inspect(bind).get_columns("a")}
        assert list(columns) == ["id", "x"] and isinstance(columns["x"], sa.Integer)
        if not sa.inspect(bind).get_indexes("a"):
            op.create_index("a_x", "a", ["x"])
        assert [one["name"] for one in sa.inspect(bind).get_indexes("a")] == ["a_x"]
        """,
        downgrade="""
        assert [one["name"] for one in sa.inspect(op.get_bind()).get_indexes("a")] == ["a_x"]
        op.drop_index("a_x")
        assert sa.inspect(op.get_bind()).get_indexes("a") == []
        """,
    )
    folder.add("four", "assert sa.inspect(op.get_bind()).has_index('a', 'a_x')")

    history = folder.record()

    _, two, three, four = history.migrations
    assert sent(two) == ["CREATE TABLE b ( id INTEGER )", "ALTER TABLE a ADD COLUMN x INTEGER"]
    assert sent(three) == ["CREATE INDEX a_x ON a (x)"]
    assert not any(is_assumed(one) for one in history.migrations)
    assert [one.unjudged for one in (two, three, four)] == [(), (), ()]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            """
            metadata = sa.MetaData()
            kind = sa.Enum("x", name="e")
            sa.Table("a", metadata, sa.Column("id", sa.Integer))
            sa.Table("b", metadata, sa.Column("kind", kind))
            metadata.create_all(op.get_bind())
            metadata.create_all(op.get_bind())
            """,
            ["CREATE TYPE e AS ENUM ('x')", "CREATE TABLE b ( kind e )"],
        ),
        (
            """
            metadata = sa.MetaData()
            sa.Table("a", metadata, sa.Column("id", sa.Integer))
            sa.Table("b", metadata, sa.Column("id", sa.Integer))
            metadata.drop_all(op.get_bind())
            """,
            ["DROP TABLE a"],
        ),
        (
            """
            table = sa.Table("a", sa.MetaData(), autoload_with=op.get_bind())
            op.execute(table.update().values(name="x").where(table.c.id == 1))
            """,
            ["UPDATE a SET name=$1 WHERE a.id = $2"],
        ),
        (
            """
            from sqlalchemy.dialects import postgresql
            mood = postgresql.ENUM("sad", name="mood")
            mood.create(op.get_bind(), checkfirst=True)
            postgresql.ENUM("new", name="state").create(op.get_bind(), checkfirst=True)
            """,
            ["CREATE TYPE state AS ENUM ('new')"],
        ),
        (
            """
            with op.batch_alter_table("a") as batch:
                batch.add_column(sa.Column("x", sa.Integer))
                batch.create_unique_constraint("a_x", ["x"])
            """,
            ["ALTER TABLE a ADD COLUMN x INTEGER", "ALTER TABLE a ADD CONSTRAINT a_x UNIQUE (x)"],
        ),
        (
            """
            op.create_table("a", sa.Column("id", sa.Integer), if_not_exists=True)
            """,
            ["CREATE TABLE IF NOT EXISTS a ( id INTEGER )"],
        ),
        (
            """
            for key in sa.inspect(op.get_bind()).get_foreign_keys("child"):
                op.drop_constraint(key["name"], "child")
            """,
            ["ALTER TABLE child DROP CONSTRAINT child_a_id_fkey"],
        ),
        (
            """
            bind = op.get_bind()
            query = "SELECT 1 FROM information_schema.columns WHERE table_name = :t"
            for name in ("name", "other"):
                found = bind.execute(
                    sa.text(query + " AND column_name = :c"), {"t": "a", "c": name}
                ).scalar()
                if not found:
                    op.execute(f"ALTER TABLE a ADD COLUMN {name} text")
            """,
            [
                (
                    "SELECT 1 FROM information_schema.columns WHERE table_name = $1"
                    " AND column_name = $2"
                ),
                (
                    "SELECT 1 FROM information_schema.columns WHERE table_name = $1"
                    " AND column_name = $2"
                ),
                "ALTER TABLE a ADD COLUMN other text",
            ],
        ),
    ],
    ids=[
        "create_all",
        "drop_all",
        "autoload",
        "enum",
        "batch",
        "if_not_exists",
        "foreign keys",
        "text",
    ],
)
def test_schema_is_told_as_it_is(folder: ProjectFolder, body: str, expected: list[str]) -> None:
    folder.add(
        "one",
        """
        op.execute("CREATE TYPE mood AS ENUM ('sad')")
        op.execute("CREATE TABLE a (id integer PRIMARY KEY, name text)")
        op.execute("CREATE TABLE child (a_id integer REFERENCES a)")
        """,
    )
    folder.add("two", body)

    _, two = folder.record().migrations

    assert sent(two) == expected
    assert two.unjudged == ()
    assert not is_assumed(two)


def test_missing_table_is_as_missing_as_on_a_server(folder: ProjectFolder) -> None:
    migration = folder.record_one("sa.inspect(op.get_bind()).get_columns('nothing')")

    assert [one.reason for one in migration.unjudged] == ["NoSuchTableError: nothing"]


@pytest.mark.parametrize(
    "doubt",
    [
        "raise ValueError",
        "op.execute('CREATE FOREIGN TABLE f (a int) SERVER s')",
        "op.execute('this is no SQL')",
        """
        if op.get_bind().execute(sa.text("SELECT a FROM t")).first() is None:
            op.create_table("t", sa.Column("id", sa.Integer))
        """,
    ],
    ids=["raised", "not modelled", "not parsed", "assumed"],
)
def test_what_is_doubtful_is_assumed(folder: ProjectFolder, doubt: str) -> None:
    folder.add("one", doubt)
    folder.add(
        "two",
        """
        if not sa.inspect(op.get_bind()).has_table("t"):
            op.execute("SELECT 2")
        op.execute("SELECT 3")
        """,
    )

    _, two = folder.record().migrations

    assert {one.is_assumed for one in two.upgrade} == {True}


def test_doubt_about_one_table_is_none_about_others(folder: ProjectFolder) -> None:
    folder.add(
        "one",
        """
        op.get_bind().execute(sa.text("SELECT a FROM t")).all()
        op.create_table("t", sa.Column("id", sa.Integer))
        """,
    )
    folder.add("two", "sa.inspect(op.get_bind()).has_table('u'); op.execute('SELECT 2')")

    _, two = folder.record().migrations

    assert not is_assumed(two)


def test_incomplete_history_has_tables_that_may_be_there(folder: ProjectFolder) -> None:
    folder.write_env("import no_such_module\n" + ENV)
    folder.add(
        "one",
        """
        inspector = sa.inspect(op.get_bind())
        assert inspector.get_columns("t") == []
        assert inspector.get_pk_constraint("t")["constrained_columns"] == []
        assert sa.Table("t", sa.MetaData(), autoload_with=op.get_bind()).columns.keys() == []
        op.execute("SELECT 2")
        """,
    )

    (migration,) = folder.record().migrations

    assert migration.unjudged == ()
    assert [one.is_assumed for one in migration.upgrade] == [True]


def test_what_the_environment_makes_is_known(folder: ProjectFolder) -> None:
    folder.write_env(
        ENV.replace(
            "        context.configure",
            "        connection.exec_driver_sql('CREATE TABLE early (a int)')\n"
            "        connection.exec_driver_sql('SET search_path = app, public')\n"
            "        connection.commit()\n"
            "        context.configure",
        )
    )
    folder.add(
        "one",
        """
        bind = op.get_bind()
        assert sa.inspect(bind).has_table("early", "public")
        assert bind.scalar(sa.text("SELECT current_schema()")) == "app"
        """,
    )

    (migration,) = folder.record().migrations

    assert migration.unjudged == ()


def test_local_setting_ends_with_its_transaction(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        op.execute("SET LOCAL search_path = app")
        assert op.get_bind().scalar(sa.text("SELECT current_schema")) == "app"
        op.get_bind().commit()
        op.execute("SELECT 2")
        assert op.get_bind().scalar(sa.text("SELECT current_schema")) == "public"
        """
    )

    assert migration.unjudged == ()


def test_inspector_keeps_what_it_was_told_as_sqlalchemys_does(folder: ProjectFolder) -> None:
    migration = folder.record_one(
        """
        inspector = sa.inspect(op.get_bind())
        assert not inspector.has_table("t")
        op.create_table("t", sa.Column("id", sa.Integer))
        assert not inspector.has_table("t")
        inspector.clear_cache()
        assert inspector.has_table("t")
        """
    )

    assert migration.unjudged == ()


def test_conditional_change_of_a_body_leaves_a_doubt(folder: ProjectFolder) -> None:
    folder.add(
        "one",
        """
        op.execute("DO $$ BEGIN IF random() > 0 THEN CREATE TABLE t (a int); END IF; END $$")
        """,
    )
    folder.add("two", "sa.inspect(op.get_bind()).has_table('t'); op.execute('SELECT 2')")

    _, two = folder.record().migrations

    assert is_assumed(two)
