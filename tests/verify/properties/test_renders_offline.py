"""Revisions rendered as SQL, and the SQL applied."""

from collections.abc import Callable

import pytest

from safemigrate.model import Check, Property, Standing
from tests.verify.conftest import ENV, Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int, b text)"
ONLINE = "".join(f"    {line}\n" for line in ENV.format(options="").splitlines()[3:] if line)
OFFLINE = """
import sqlalchemy as sa
from alembic import context

if context.is_offline_mode():
    context.configure(
        url=context.config.get_main_option("sqlalchemy.url"),
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )
    with context.begin_transaction():
        context.run_migrations()
else:
"""
TWO_MODES = OFFLINE + ONLINE


@pytest.fixture
def anywhere_offline(anywhere: Scaffold) -> Scaffold:
    """A project that can be rendered, on each kind of server."""
    (anywhere.folder / "migrations" / "env.py").write_text(TWO_MODES)
    anywhere.add("one", CREATE, "DROP TABLE t")
    return anywhere


@pytest.fixture
def offline(scaffold_with_env: Callable[[str], Scaffold]) -> Scaffold:
    """A project that can be rendered, with a table."""
    scaffold = scaffold_with_env(TWO_MODES)
    scaffold.add("one", CREATE + "\nINSERT INTO t VALUES (1, 2, 'x')", "DROP TABLE t")
    return scaffold


def check(scaffold: Scaffold) -> Check:
    return scaffold.check(Property.RENDERS_OFFLINE)


READING = """
bind = op.get_bind()
count = bind.execute(sa.text("SELECT count(*) FROM t")).scalar()
op.execute(f"ALTER TABLE t ADD COLUMN c int DEFAULT {count}")
"""


def test_a_revision_that_reads_cannot_be_rendered(anywhere_offline: Scaffold) -> None:
    anywhere_offline.add("two", READING, "ALTER TABLE t DROP COLUMN c")

    found = check(anywhere_offline)

    assert found.standing is Standing.BROKEN
    assert "AttributeError: 'NoneType' object has no attribute 'scalar'" in found.reason
    lines = anywhere_offline.path("two").read_text().splitlines()
    assert "count(*)" in lines[found.line - 1]
    assert f"two.py:{found.line}: " in found.reason


def test_sql_that_does_the_same_is_right(anywhere_offline: Scaffold) -> None:
    anywhere_offline.add(
        "two",
        """
        op.add_column("t", sa.Column("c", sa.Integer, server_default="7"))
        op.execute("INSERT INTO t VALUES (5, 6, 'a: %')")
        with op.get_context().autocommit_block():
            op.create_index("i", "t", ["c"], postgresql_concurrently=True)
        op.create_check_constraint("positive", "t", "a > 0")
        """,
        "pass",
    )

    assert (check(anywhere_offline).standing, check(anywhere_offline).details) == (
        Standing.HOLDS,
        (),
    )


DIFFERING = """
import alembic
if not op.get_context().as_sql:
    op.get_bind().execute(sa.text("INSERT INTO t VALUES (9, 9, 'y')"))
"""


def test_that_property_alone_is_broken(offline: Scaffold) -> None:
    offline.add("two", DIFFERING, "DELETE FROM t WHERE id = 9")

    assert offline.broken() == {Property.RENDERS_OFFLINE}


def test_a_revision_that_reads_breaks_nothing_where_nobody_asked_for_sql(offline: Scaffold) -> None:
    offline.add("two", READING, "ALTER TABLE t DROP COLUMN c")

    assert offline.broken() == set()
    found = offline.check(Property.RENDERS_OFFLINE, selected=())
    assert found.standing is Standing.UNASKED
    assert found.reason == (
        "it reads from the database, so that it cannot be rendered; select renders-offline if the"
        " project renders SQL"
    )
    assert "two.py:" in found.details[0]
    assert "has no attribute 'scalar'" in found.details[0]


@pytest.mark.parametrize("word", ["renders-offline", "offline", "H10"])
def test_who_selects_it_renders_sql(offline: Scaffold, word: str) -> None:
    offline.add("two", READING, "ALTER TABLE t DROP COLUMN c")

    found = offline.check(Property.RENDERS_OFFLINE, selected=(word,))

    assert found.standing is Standing.BROKEN


def test_the_first_revision_makes_the_version_table(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env(TWO_MODES)
    scaffold.add("one", CREATE, "DROP TABLE t")

    assert check(scaffold).standing is Standing.HOLDS


@pytest.mark.parametrize(
    ("upgrade", "reason"),
    [
        pytest.param(
            """
            import alembic
            if op.get_context().as_sql:
                op.execute("ALTER TABLE t ADD COLUMN c int")
            else:
                op.execute("ALTER TABLE t ADD COLUMN c bigint")
            """,
            "~ column public.t.c: type=bigint -> integer",
            id="another type",
        ),
        pytest.param(
            """
            import alembic
            if not op.get_context().as_sql:
                op.get_bind().execute(sa.text("INSERT INTO t VALUES (9, 9, 'y')"))
            """,
            "~ rows of public.t: 2 -> 1",
            id="rows that are only made online",
        ),
        pytest.param(
            """
            import alembic
            if not op.get_context().as_sql:
                op.get_bind().execute(sa.text("UPDATE t SET b = 'z'"))
            """,
            "~ rows of public.t: other values in b",
            id="values that are only set online",
        ),
    ],
)
def test_another_end_is_found_with_the_first_statement_that_differs(
    offline: Scaffold, upgrade: str, reason: str
) -> None:
    offline.add("two", upgrade, "pass")

    found = check(offline)

    assert found.standing is Standing.BROKEN
    assert f"leads elsewhere than an online run: {reason}" in found.reason


def test_a_role_is_made_by_the_sql_as_it_is_online(anywhere_offline: Scaffold) -> None:
    anywhere_offline.add(
        "two",
        """
        op.execute("CREATE ROLE rendered_reader NOLOGIN")
        op.execute("GRANT SELECT ON t TO rendered_reader")
        """,
        """
        op.execute("REVOKE SELECT ON t FROM rendered_reader")
        op.execute("DROP ROLE rendered_reader")
        """,
    )

    found = check(anywhere_offline)

    assert (found.standing, found.reason) == (Standing.HOLDS, "")


def test_a_password_in_the_sql_is_not_shown(offline: Scaffold) -> None:
    offline.add(
        "two",
        """
        import alembic
        if op.get_context().as_sql:
            op.execute("ALTER ROLE rendered_nobody PASSWORD 's3cret'")
        """,
        "pass",
    )
    offline.add(
        "three",
        """
        import alembic
        name = "b" if op.get_context().as_sql else "a"
        op.execute(f"COMMENT ON COLUMN t.{name} IS 'password=s3cret'")
        """,
        "pass",
    )

    fails, differs = (
        offline.check(Property.RENDERS_OFFLINE, one, selected=("facts", "renders-offline"))
        for one in ("two", "three")
    )

    assert "in: ALTER ROLE rendered_nobody PASSWORD '***'" in fails.details
    assert any("first difference, online" in line for line in differs.details)
    assert "s3cret" not in str((fails, differs))


def test_moments_are_no_difference(offline: Scaffold) -> None:
    offline.add("two", "UPDATE t SET b = clock_timestamp()::text", "pass")

    assert check(offline).standing is Standing.HOLDS


def test_a_definition_that_is_another_in_each_run_hides_no_other(offline: Scaffold) -> None:
    offline.add(
        "two",
        """
        import uuid
        op.execute(f"COMMENT ON COLUMN t.a IS '{uuid.uuid4()}'")
        if not op.get_context().as_sql:
            op.execute("ALTER TABLE t ADD COLUMN c int")
        """,
        "pass",
    )

    found = check(offline)

    assert found.standing is Standing.BROKEN
    assert "- column public.t.c" in found.reason
    assert not any("public.t.a" in line for line in found.details)


def test_doubled_percent_signs_are_found(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env(TWO_MODES.replace('dialect_opts={"paramstyle": "named"},', ""))
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t ALTER COLUMN b SET DEFAULT '5%'", "pass")

    assert "'5%%'" in check(scaffold).reason


def test_sql_that_the_server_refuses_is_found(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env(TWO_MODES.replace("literal_binds=True,", ""))
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        import sqlalchemy
        table = sa.table("t", sa.column("id", sa.Integer))
        op.execute(table.insert().values(id=8))
        """,
        "pass",
    )

    found = check(scaffold)

    assert "the SQL that is rendered fails: 42601" in found.reason
    assert any("INSERT INTO t" in line for line in found.details)


def test_a_merge_is_rendered_from_both_its_parents(offline: Scaffold) -> None:
    offline.add("left", "ALTER TABLE t ADD COLUMN l int", "ALTER TABLE t DROP COLUMN l")
    offline.add(
        "right", "ALTER TABLE t ADD COLUMN r int", "ALTER TABLE t DROP COLUMN r", down="one"
    )
    offline.add("merge", "pass", "pass", down=("left", "right"))

    assert check(offline).standing is Standing.HOLDS


def test_an_env_without_the_mode_is_not_asked(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", READING, "ALTER TABLE t DROP COLUMN c")

    found = check(scaffold)

    assert found.standing is Standing.UNASKED
    assert "never asks context.is_offline_mode()" in found.reason


@pytest.mark.parametrize(
    ("branch", "reason"),
    [
        ("    raise NotImplementedError('online only')\n", "NotImplementedError: online only"),
        ("    pass\n", "it runs no migrations"),
        ("    raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_an_env_that_refuses_the_mode_is_not_asked(
    scaffold_with_env: Callable[[str], Scaffold], branch: str, reason: str
) -> None:
    start, _, _ = OFFLINE.partition("    context.configure(")
    scaffold = scaffold_with_env(start + branch + "else:\n" + ONLINE)
    scaffold.add("one", CREATE, "DROP TABLE t")

    found = check(scaffold)

    assert found.standing is Standing.UNASKED
    assert f"env.py comes to no migrations offline: {reason}" in found.reason
