"""Every fixer: the text it makes, that it lints clean, and that it ends in the same schema."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pytest
from alembic import command
from alembic.config import Config

from safemigrate.catalog import catalog_of_sql
from safemigrate.config import RuleSettings
from safemigrate.facts import walk
from safemigrate.lint import FixPlan, judge, plan_fixes
from safemigrate.model import (
    NEWEST_VERSION,
    History,
    LintResult,
    Severity,
    Timeline,
)
from safemigrate.server import Server
from safemigrate.source import open_project, read_sql_files, record
from safemigrate.sql import split_statements
from safemigrate.trace import open_connection
from safemigrate.verify import Snapshot, VersionTable, find_differences, take_snapshot

SCHEMA = """
CREATE SCHEMA "The Kitchen";
CREATE TABLE cook (id bigint PRIMARY KEY, name text);
CREATE TABLE recipe (id bigint PRIMARY KEY, name text, minutes int, cook bigint);
CREATE TABLE "The Kitchen"."Recipe Book" (id bigint PRIMARY KEY, "Full Name" text);
CREATE INDEX recipe_minutes_idx ON recipe (minutes);
CREATE INDEX recipe_cook_idx ON recipe (cook);
CREATE TABLE meal (id bigint, at date) PARTITION BY RANGE (at);
CREATE TABLE meal_2024 PARTITION OF meal FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
INSERT INTO cook SELECT n, 'cook ' || n FROM generate_series(1, 50) AS n;
INSERT INTO recipe SELECT n, 'name ' || n, n, n FROM generate_series(1, 50) AS n;
INSERT INTO "The Kitchen"."Recipe Book" SELECT n, 'name ' || n FROM generate_series(1, 50) AS n;
INSERT INTO meal SELECT n, '2024-06-01' FROM generate_series(1, 50) AS n;
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A migration before and after its fixes, for the rules named.

    `like`: SQL that ends in the schema the migration is meant to end in, where it cannot run.
    """

    name: str
    rules: tuple[str, ...]
    before: str
    after: str
    like: str = ""


SQL_CASES = (
    Case(
        "an index, among comments",
        ("non-concurrent-index",),
        """\
        -- the names
        create index recipe_name_idx -- for the search
            on recipe /* all */ (lower(name)); SELECT 1; -- behind it
        """,
        """\
        -- the names
        create index concurrently recipe_name_idx -- for the search
            on recipe /* all */ (lower(name)); SELECT 1; -- behind it
        """,
    ),
    Case(
        "a unique index without a name, and one of a method",
        ("non-concurrent-index", "non-concurrent-index"),
        """\
        CREATE UNIQUE INDEX ON "The Kitchen"."Recipe Book" ("Full Name") WHERE id > 5;
        CREATE INDEX "The Index" ON recipe USING hash (name)
        """,
        """\
        CREATE UNIQUE INDEX CONCURRENTLY ON "The Kitchen"."Recipe Book" ("Full Name") WHERE id > 5;
        CREATE INDEX CONCURRENTLY "The Index" ON recipe USING hash (name)
        """,
    ),
    Case(
        "an index that goes",
        ("non-concurrent-drop-index", "non-concurrent-drop-index"),
        """\
        DROP INDEX recipe_minutes_idx;
        DROP INDEX IF EXISTS public.recipe_cook_idx RESTRICT;
        """,
        """\
        DROP INDEX CONCURRENTLY recipe_minutes_idx;
        DROP INDEX CONCURRENTLY IF EXISTS public.recipe_cook_idx RESTRICT;
        """,
    ),
    Case(
        "a CHECK",
        ("validated-check",),
        """\
        ALTER TABLE recipe
            ADD CONSTRAINT "Is Short" CHECK (minutes < 99 AND name <> 'NOT'); -- really
        SELECT 2;
        """,
        """\
        ALTER TABLE recipe
            ADD CONSTRAINT "Is Short" CHECK (minutes < 99 AND name <> 'NOT') NOT VALID; -- really
        ALTER TABLE recipe
            VALIDATE CONSTRAINT "Is Short";
        SELECT 2;
        """,
    ),
    Case(
        "a CHECK on one line with another statement",
        ("validated-check",),
        "  alter table if exists recipe add constraint a check (id > 0) no inherit; SELECT 1;\n",
        "  alter table if exists recipe add constraint a check (id > 0) no inherit not valid;"
        " alter table if exists recipe VALIDATE CONSTRAINT a; SELECT 1;\n",
    ),
    Case(
        "a CHECK of a partitioned table, without a last semicolon",
        ("validated-check",),
        "ALTER TABLE meal ADD CONSTRAINT positive CHECK (id > 0)\n",
        "ALTER TABLE meal ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;\n"
        "ALTER TABLE meal VALIDATE CONSTRAINT positive\n",
    ),
    Case(
        "a foreign key",
        ("validated-foreign-key",),
        """\
        ALTER TABLE recipe ADD CONSTRAINT recipe_cook FOREIGN KEY (cook) REFERENCES cook
            ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
        """,
        """\
        ALTER TABLE recipe ADD CONSTRAINT recipe_cook FOREIGN KEY (cook) REFERENCES cook
            ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID;
        ALTER TABLE recipe VALIDATE CONSTRAINT recipe_cook;
        """,
    ),
    Case(
        "a UNIQUE constraint",
        ("unique-constraint-build",),
        """\
        SELECT 1;
          ALTER TABLE recipe ADD CONSTRAINT recipe_name UNIQUE (name, id) DEFERRABLE;
        """,
        """\
        SELECT 1;
          CREATE UNIQUE INDEX CONCURRENTLY recipe_name ON recipe (name, id);
          ALTER TABLE recipe ADD CONSTRAINT recipe_name UNIQUE USING INDEX recipe_name DEFERRABLE;
        """,
    ),
    Case(
        "NOT NULL",
        ("set-not-null-scan",),
        "ALTER TABLE recipe ALTER COLUMN name SET NOT NULL;\n",
        """\
        ALTER TABLE recipe ADD CONSTRAINT recipe_name_check CHECK (name IS NOT NULL) NOT VALID;
        ALTER TABLE recipe VALIDATE CONSTRAINT recipe_name_check;
        ALTER TABLE recipe ALTER COLUMN name SET NOT NULL;
        ALTER TABLE recipe DROP CONSTRAINT recipe_name_check;
        """,
    ),
    Case(
        "ignores that silence nothing",
        ("unused-ignore", "unused-ignore", "unused-ignore"),
        """\
        -- the tables
          -- safemigrate: ignore[dropped-table] gone
        SELECT 1; -- safemigrate: ignore[dropped-column] gone
        -- safemigrate: ignore[dropped-table, dropped-column] the column is unused
        ALTER TABLE recipe DROP COLUMN minutes;
        """,
        """\
        -- the tables
        SELECT 1;
        -- safemigrate: ignore[dropped-column] the column is unused
        ALTER TABLE recipe DROP COLUMN minutes;
        """,
    ),
)

ALEMBIC_CASES = (
    Case(
        "indexes in every layout",
        ("non-concurrent-index",) * 5,
        '''\
        """Fast names."""
        op.create_index(op.f("a"), "cook", ["id"], unique=1)  # ä
        # The cooks.
        op.create_index(
            "by_cook",
            "recipe",
            ["cook"],  # who
            # the end
        )
        op.create_index(
            "by_both", "recipe", ["cook", "name"], postgresql_concurrently=False
        )
        op.create_index("by_id", "recipe", ["id"],)
        op.execute("""
            create index by_all
            on recipe (name, cook);
        """)
        ''',
        '''\
        """Fast names."""
        with op.get_context().autocommit_block():
            op.create_index(op.f("a"), "cook", ["id"], unique=1, postgresql_concurrently=True)  # ä
        # The cooks.
        with op.get_context().autocommit_block():
            op.create_index(
                "by_cook",
                "recipe",
                ["cook"],  # who
                postgresql_concurrently=True,
                # the end
            )
        with op.get_context().autocommit_block():
            op.create_index(
                "by_both", "recipe", ["cook", "name"], postgresql_concurrently=True
            )
        with op.get_context().autocommit_block():
            op.create_index("by_id", "recipe", ["id"], postgresql_concurrently=True,)
        with op.get_context().autocommit_block():
            op.execute("""
            create index concurrently by_all
            on recipe (name, cook);
        """)
        ''',
    ),
    Case(
        "an index in an autocommit block",
        ("non-concurrent-index",),
        """\
        op.execute("SELECT 1")
        with op.get_context().autocommit_block():
            op.create_index("a", "recipe", [sa.text("lower(name)")])
        """,
        """\
        op.execute("SELECT 1")
        with op.get_context().autocommit_block():
            op.create_index("a", "recipe", [sa.text("lower(name)")], postgresql_concurrently=True)
        """,
    ),
    Case(
        "indexes that go",
        ("non-concurrent-drop-index",) * 2,
        """\
        op.drop_index("recipe_minutes_idx")
        op.execute(sa.text(r'DROP INDEX "recipe_cook_idx"'))
        """,
        """\
        with op.get_context().autocommit_block():
            op.drop_index("recipe_minutes_idx", postgresql_concurrently=True)
        with op.get_context().autocommit_block():
            op.execute(sa.text(r'DROP INDEX CONCURRENTLY "recipe_cook_idx"'))
        """,
    ),
    Case(
        "constraints of every kind",
        (
            "validated-foreign-key",
            "validated-check",
            "validated-check",
            "unique-constraint-build",
            "set-not-null-scan",
        ),
        """\
        op.create_foreign_key(
            "a", "recipe", "cook", ["cook"], ["id"], onupdate="CASCADE"
        )
        op.create_check_constraint("is_short", "recipe", "minutes < 100")
        op.execute("ALTER TABLE recipe ADD CONSTRAINT is_named CHECK (name <> '')")
        op.create_unique_constraint("one", "recipe", ["name"])  # fast
        op.alter_column("recipe", "cook", existing_type=sa.BigInteger(), nullable=False)
        """,
        """\
        op.create_foreign_key(
            "a", "recipe", "cook", ["cook"], ["id"], onupdate="CASCADE", postgresql_not_valid=True
        )
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT a")
        op.create_check_constraint("is_short", "recipe", "minutes < 100", postgresql_not_valid=True)
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT is_short")
        op.execute("ALTER TABLE recipe ADD CONSTRAINT is_named CHECK (name <> '') NOT VALID")
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT is_named")
        with op.get_context().autocommit_block():
            op.create_index("one", "recipe", ["name"], unique=True, postgresql_concurrently=True)
        op.execute("ALTER TABLE recipe ADD CONSTRAINT one UNIQUE USING INDEX one")  # fast
        op.create_check_constraint(
            op.f("recipe_cook_check"),
            "recipe",
            "cook IS NOT NULL",
            postgresql_not_valid=True,
        )
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_cook_check")
        op.alter_column("recipe", "cook", nullable=False)
        op.drop_constraint(op.f("recipe_cook_check"), "recipe", type_="check")
        """,
    ),
    Case(
        "a concurrent index inside the transaction",
        ("concurrent-index-in-transaction",) * 2,
        """\
        op.create_index("by_name", "recipe", ["name"], postgresql_concurrently=True)
        op.execute("CREATE INDEX CONCURRENTLY by_cook ON recipe (cook)")
        """,
        """\
        with op.get_context().autocommit_block():
            op.create_index("by_name", "recipe", ["name"], postgresql_concurrently=True)
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY by_cook ON recipe (cook)")
        """,
        like="CREATE INDEX by_name ON recipe (name); CREATE INDEX by_cook ON recipe (cook);",
    ),
    Case(
        "a concurrent drop inside the transaction",
        ("concurrent-index-in-transaction",),
        """\
        op.drop_index("recipe_cook_idx", "recipe", postgresql_concurrently=True)
        """,
        """\
        with op.get_context().autocommit_block():
            op.drop_index("recipe_cook_idx", "recipe", postgresql_concurrently=True)
        """,
        like="DROP INDEX recipe_cook_idx",
    ),
    Case(
        "a partition detached concurrently inside the transaction",
        ("concurrent-index-in-transaction",),
        """\
        op.execute("ALTER TABLE meal DETACH PARTITION meal_2024 CONCURRENTLY")
        """,
        """\
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE meal DETACH PARTITION meal_2024 CONCURRENTLY")
        """,
        # Detached concurrently it keeps the bound as a CHECK.
        like="ALTER TABLE meal DETACH PARTITION meal_2024 CONCURRENTLY",
    ),
    Case(
        "validations in the transaction of the additions",
        ("validation-in-same-transaction",) * 2,
        """\
        op.create_foreign_key(
            "recipe_cook", "recipe", "cook", ["cook"], ["id"], postgresql_not_valid=True
        )
        op.create_check_constraint("short", "recipe", "minutes < 99", postgresql_not_valid=True)
        op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_cook")
        op.execute(
            "ALTER TABLE recipe "
            "VALIDATE CONSTRAINT short"
        )
        """,
        """\
        op.create_foreign_key(
            "recipe_cook", "recipe", "cook", ["cook"], ["id"], postgresql_not_valid=True
        )
        op.create_check_constraint("short", "recipe", "minutes < 99", postgresql_not_valid=True)
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_cook")
        with op.get_context().autocommit_block():
            op.execute(
                "ALTER TABLE recipe "
                "VALIDATE CONSTRAINT short"
            )
        """,
    ),
    Case(
        "ignores that silence nothing",
        ("unused-ignore", "unused-ignore"),
        """\
        # safemigrate: ignore[dropped-table] gone
        op.execute("SELECT 1")  # safemigrate: ignore[dropped-column] gone
        """,
        """\
        op.execute("SELECT 1")
        """,
    ),
)

HEAD = """\
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
"""

ENV = """\
from alembic import context
from sqlalchemy import NullPool, create_engine
url = context.config.attributes.get("url", "postgresql://")
engine = create_engine(url, poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in a migration, and what its fixes come to."""

    timeline: Timeline
    result: LintResult
    plan: FixPlan

    @property
    def text(self) -> str:
        """The migration's text, fixed."""
        (file,) = self.plan.files
        return file.text

    def count_errors(self) -> dict[str, int]:
        """Return how many errors each rule has found."""
        errors = [one for one in self.result.findings if one.severity is Severity.ERROR]
        return {one.rule: sum(other.rule == one.rule for other in errors) for one in errors}


def judge_history(history: History) -> Judged:
    before = catalog_of_sql(SCHEMA, "schema.sql")
    timeline = walk(history, before=before, version=NEWEST_VERSION)
    result = judge(timeline, settings=RuleSettings(disabled=frozenset({"missing-downgrade"})))
    return Judged(timeline, result, plan_fixes(result, timeline))


def judge_sql(text: str, folder: Path) -> Judged:
    path = folder / "migration.sql"
    path.write_text(text, encoding="utf-8")
    return judge_history(read_sql_files([path]))


def judge_revision(text: str, folder: Path) -> Judged:
    (folder / "versions").mkdir(exist_ok=True)
    (folder / "env.py").write_text(ENV, encoding="utf-8")
    (folder / "versions" / "0001_it.py").write_text(text, encoding="utf-8")
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n", encoding="utf-8")
    return judge_history(record(open_project(folder / "alembic.ini")))


def revision_of(body: str) -> str:
    """Return a revision whose upgrade() has this body."""
    return HEAD + indent(dedent(body), "    ")


def check(judged: Judged, again: Judged, case: Case, before: str, after: str) -> None:
    """Compare the fixed text with the one expected, and what is found in both."""
    assert judged.text == after != before
    (file,) = judged.plan.files
    assert sorted(one.rule for one in file.findings) == sorted(case.rules)
    assert {one.rule for one in again.result.findings} & set(case.rules) == set()
    assert again.plan.files == ()
    assert again.result.unjudged == ()
    errors = judged.count_errors()
    assert {
        rule for rule, count in again.count_errors().items() if count > errors.get(rule, 0)
    } == set()


Clones = tuple[str, str, str]

each_sql = pytest.mark.parametrize("case", SQL_CASES, ids=lambda case: case.name)
each_revision = pytest.mark.parametrize("case", ALEMBIC_CASES, ids=lambda case: case.name)


@each_sql
def test_a_sql_file_is_fixed_as_written_here(case: Case, tmp_path: Path) -> None:
    before, after = dedent(case.before), dedent(case.after)
    check(judge_sql(before, tmp_path), judge_sql(after, tmp_path), case, before, after)


@each_revision
def test_a_revision_is_fixed_as_written_here(case: Case, tmp_path: Path) -> None:
    before, after = revision_of(case.before), revision_of(case.after)
    check(judge_revision(before, tmp_path), judge_revision(after, tmp_path), case, before, after)


@each_revision
def test_a_downgrade_is_fixed_as_its_upgrade_is(case: Case, tmp_path: Path) -> None:
    before, after = (
        revision_of("pass\n") + f"\n\ndef downgrade():\n{indent(dedent(body), '    ')}"
        for body in (case.before, case.after)
    )
    assert judge_revision(before, tmp_path).text == after


@each_sql
def test_a_fixed_sql_file_ends_in_the_same_schema(case: Case, clones: Clones) -> None:
    before, after = (
        run_sql(url, dedent(text))
        for url, text in zip(clones[:2], (case.before, case.after), strict=True)
    )
    assert find_differences(before, after) == ()
    assert (find_differences(before, take(clones[2])) == ()) == is_about_comments(case)


@each_revision
def test_a_fixed_revision_ends_in_the_same_schema(
    case: Case, clones: Clones, tmp_path: Path
) -> None:
    first, second, untouched = clones
    if case.like:
        before = run_sql(first, case.like)
    else:
        before = run_revision(first, revision_of(case.before), tmp_path)
    after = run_revision(second, revision_of(case.after), tmp_path)
    assert find_differences(before, after) == ()
    assert (find_differences(before, take(untouched)) == ()) == is_about_comments(case)


def is_about_comments(case: Case) -> bool:
    return case.name == "ignores that silence nothing" and "DROP" not in case.before


@pytest.fixture(scope="module")
def template(embedded_server: Server) -> str:
    """A database with SCHEMA in it, to be cloned."""
    name = embedded_server.create_database()
    run_sql(embedded_server.url(name), SCHEMA)
    return name


@pytest.fixture
def clones(template: str, embedded_server: Server) -> Iterator[Clones]:
    """The URLs of three databases with SCHEMA in them."""
    names = [embedded_server.create_database(template=template) for _ in range(3)]
    first, second, third = map(embedded_server.url, names)
    yield first, second, third
    for name in names:
        embedded_server.drop_database(name)


def take(url: str) -> Snapshot:
    with open_connection(url) as connection:
        return take_snapshot(connection, VersionTable())


def run_sql(url: str, sql: str) -> Snapshot:
    """Run the statements one by one, outside a transaction, and return what they end in."""
    with open_connection(url) as connection:
        for statement in split_statements(sql):
            connection.execute(statement.sql.encode())
        return take_snapshot(connection, VersionTable())


def run_revision(url: str, text: str, folder: Path) -> Snapshot:
    """Run the revision as Alembic does, and return what it ends in."""
    (folder / "versions").mkdir(exist_ok=True)
    (folder / "env.py").write_text(ENV, encoding="utf-8")
    (folder / "versions" / "0001_it.py").write_text(text, encoding="utf-8")
    config = Config(attributes={"url": url})
    config.set_main_option("script_location", str(folder))
    command.upgrade(config, "head")
    return take(url)
