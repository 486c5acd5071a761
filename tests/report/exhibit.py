"""One judgement with everything in it that a format could stumble over; the golden files show it.

The migrations, statements and findings are fixed here, so that no rule changes the files.
"""

from dataclasses import dataclass

from safemigrate.model import (
    Catalog,
    Confidence,
    Direction,
    DowngradeKind,
    ExplainedStatement,
    Facts,
    Finding,
    LintResult,
    Lock,
    LockMode,
    Migration,
    Passage,
    QualifiedName,
    Remedy,
    Severity,
    Span,
    Statement,
    Timeline,
    Unjudged,
)
from safemigrate.rulekit import Family, Rule, leave_to_engine

PASSWORD = "s3cret"  # noqa: S105 - made up, to be hidden
VERSION = "1.2.3"

CLEAN_PATH = "migrations/versions/0001_books.py"
CLEAN = '''"""Books."""

revision = "0001"
down_revision = None


def upgrade():
    op.create_table("book", sa.Column("title", sa.Text()))
'''

REVISION_PATH = "migrations/versions/0002_prices.py"
REVISION = '''"""Prices."""

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_index("book_title_idx", "book", ["title"])
    op.add_column(
        "book",
        sa.Column("price", sa.Float()),
    )
    # safemigrate: ignore[dropped-table] nobody reads it
    op.execute("SELECT tidy_up()")


def downgrade():
    op.drop_column("book", "price")
'''

# a name of which each format has to escape something, and which Windows would take for a path
SQL_PATH = "changes\\00|3 <Größe> `d`:1,2%.sql"
SQL = f"""\
-- roles and sizes
ALTER ROLE "Prüfer" PASSWORD
    '{PASSWORD}' NONSENSE; ALTER TABLE "表" ALTER "a|b`<i>" SET NOT NULL;
ALTER TABLE "表" DROP "#1 @team *_[x]($y$) 100%::";
ALTER TABLE "表" DROP "#1 @team *_[x]($y$) 100%::";
"""

UNREAD_PATH = "changes/0004_copy.sql"
UNREAD = """\
DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'x'); END $$;
COPY book FROM stdin;
one
\\.
"""


@dataclass(frozen=True, slots=True)
class _File:
    """A migration being put together."""

    path: str
    text: str
    revision: str | None = None

    def span(self, piece: str, after: int = 0) -> Span:
        """Return where the piece stands, found after that offset."""
        start = self.text.index(piece, after)
        return Span(*self._place(start), *self._place(start + len(piece)))

    def _place(self, offset: int) -> tuple[int, int]:
        before = self.text[:offset]
        return before.count("\n") + 1, offset - before.rfind("\n")

    def statement(
        self,
        piece: str,
        sql: str,
        ordinal: int,
        *locks: Lock,
        direction: Direction = Direction.UPGRADE,
        after: int = 0,
    ) -> ExplainedStatement:
        statement = Statement(
            sql=sql,
            path=self.path,
            span=self.span(piece, after),
            revision=self.revision,
            direction=direction,
            ordinal=ordinal,
            transaction=None if self.revision is None else 1,
            is_literal=self.revision is None,
        )
        return ExplainedStatement(statement, (), Facts(locks=locks))

    def passage(
        self, *statements: ExplainedStatement, direction: Direction = Direction.UPGRADE
    ) -> Passage:
        migration = Migration(
            path=self.path,
            text=self.text,
            revision=self.revision,
            downgrade_kind=DowngradeKind.NOT_APPLICABLE
            if self.revision is None
            else DowngradeKind.PRESENT,
        )
        return Passage(migration, direction, Catalog(), Catalog(), statements)


def _find(
    rule: str,
    severity: Severity,
    message: str,
    at: ExplainedStatement,
    *,
    why: str = "",
    confidence: Confidence = Confidence.HIGH,
    blocks: tuple[str, ...] = (),
    remedy: Remedy | None = None,
) -> Finding:
    statement = at.statement
    return Finding(
        rule=rule,
        severity=severity,
        confidence=confidence,
        message=message,
        why=why,
        path=statement.path,
        span=statement.span,
        revision=statement.revision,
        direction=statement.direction,
        sql=statement.sql,
        ordinal=statement.ordinal,
        locks=at.facts.locks,
        blocks=blocks,
        remedy=remedy,
    )


_BOOK = QualifiedName("public", "book")
_WIDE = QualifiedName("public", "表")
_ALL = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE")

_clean = _File(CLEAN_PATH, CLEAN, "0001")
_revision = _File(REVISION_PATH, REVISION, "0002")
_sql = _File(SQL_PATH, SQL)
_unread = _File(UNREAD_PATH, UNREAD)

_table = _clean.statement(
    'op.create_table("book", sa.Column("title", sa.Text()))',
    "CREATE TABLE book (\n\ttitle TEXT\n)",
    1,
    Lock(_BOOK, LockMode.ACCESS_EXCLUSIVE, is_preexisting=False),
)
_index = _revision.statement(
    'op.create_index("book_title_idx", "book", ["title"])',
    "CREATE INDEX book_title_idx ON book (title)",
    1,
    Lock(_BOOK, LockMode.SHARE),
)
_price = _revision.statement(
    'op.add_column(\n        "book",\n        sa.Column("price", sa.Float()),\n    )',
    "ALTER TABLE book ADD COLUMN price FLOAT",
    2,
    Lock(_BOOK, LockMode.ACCESS_EXCLUSIVE),
)
_tidy = _revision.statement('op.execute("SELECT tidy_up()")', "SELECT tidy_up()", 3)
_drop_price = _revision.statement(
    'op.drop_column("book", "price")',
    "ALTER TABLE book DROP COLUMN price",
    1,
    Lock(_BOOK, LockMode.ACCESS_EXCLUSIVE),
    direction=Direction.DOWNGRADE,
)
_role_text = f"ALTER ROLE \"Prüfer\" PASSWORD\n    '{PASSWORD}' NONSENSE"
_role = _sql.statement(_role_text, _role_text, 1)
_not_null_text = 'ALTER TABLE "表" ALTER "a|b`<i>" SET NOT NULL'
_not_null = _sql.statement(
    _not_null_text, _not_null_text, 2, Lock(_WIDE, LockMode.ACCESS_EXCLUSIVE)
)
_drop_text = 'ALTER TABLE "表" DROP "#1 @team *_[x]($y$) 100%::"'
_drop = _sql.statement(_drop_text, _drop_text, 3, Lock(_WIDE, LockMode.ACCESS_EXCLUSIVE))
_drop_again = _sql.statement(
    _drop_text,
    _drop_text,
    4,
    Lock(_WIDE, LockMode.ACCESS_EXCLUSIVE),
    after=SQL.index(_drop_text) + 1,
)
_block_text = "DO $$ BEGIN EXECUTE format('DROP TABLE %I', 'x'); END $$"
_block = _unread.statement(_block_text, _block_text, 1)

TIMELINE = Timeline(
    (
        _clean.passage(_table),
        _revision.passage(_index, _price, _tidy),
        _revision.passage(_drop_price, direction=Direction.DOWNGRADE),
        _sql.passage(_role, _not_null, _drop, _drop_again),
        _unread.passage(_block),
    )
)


def _drop_finding(at: ExplainedStatement) -> Finding:
    return _find(
        "dropped-column",
        Severity.ERROR,
        'dropping "#1 @team *_[x]($y$) 100%::" breaks the release that runs',
        at,
        why="the release that is running still reads it: ::error::nothing, 100% sure",
        blocks=_ALL,
    )


_FINDINGS = (
    _drop_finding(_drop),
    _drop_finding(_drop_again),
    _find(
        "non-concurrent-index",
        Severity.ERROR,
        'building index "book_title_idx" blocks writes to "public.book"',
        _index,
        why="CREATE INDEX holds SHARE on public.book while it reads every row: INSERT, UPDATE, "
        "DELETE and MERGE wait until the build ends",
        blocks=("INSERT", "UPDATE", "DELETE", "MERGE"),
        remedy=Remedy(
            "build it concurrently, outside a transaction",
            sql="CREATE INDEX CONCURRENTLY book_title_idx ON book (title);",
            alembic=(
                "with op.get_context().autocommit_block():\n"
                '    op.create_index("book_title_idx", "book", ["title"],\n'
                "                    postgresql_concurrently=True)"
            ),
        ),
    ),
    _find(
        "float-for-money",
        Severity.WARNING,
        'column "price" of "public.book" holds money as a float',
        _price,
        why="sums of floats are not exact",
        confidence=Confidence.LOW,
        remedy=Remedy("use numeric with a scale"),
    ),
    Finding(
        rule="unused-ignore",
        severity=Severity.INFO,
        confidence=Confidence.HIGH,
        message='this ignore of "dropped-table" silences nothing',
        why="there is no such finding at its statement: take the comment out",
        path=REVISION_PATH,
        span=_revision.span("# safemigrate: ignore[dropped-table] nobody reads it"),
        revision="0002",
        direction=Direction.UPGRADE,
    ),
    _find(
        "dropped-column",
        Severity.WARNING,
        'dropping "price" of "public.book" loses what is in it',
        _drop_price,
        confidence=Confidence.MEDIUM,
        blocks=_ALL,
    ),
    _find(
        "syntax-error",
        Severity.ERROR,
        f"syntax error at or near \"NONSENSE\"\n  in PASSWORD '{PASSWORD}' NONSENSE",
        _role,
    ),
    _find(
        "set-not-null-scan",
        Severity.ERROR,
        'setting "a|b`<i>" NOT NULL reads all of "public.表" with everybody shut out',
        _not_null,
        why="SET NOT NULL holds ACCESS EXCLUSIVE while it looks at every row",
        blocks=_ALL,
        remedy=Remedy(
            "prove it by a CHECK first, <slowly> & @once",
            sql=(
                "/* ```` fences, ]]> and </details> */\n"
                'ALTER TABLE "表" ADD CHECK ("a|b`<i>" IS NOT NULL) NOT VALID;'
            ),
            alembic='op.execute("…")',
        ),
    ),
)

RESULT = LintResult(
    findings=_FINDINGS,
    statements=10,
    judged=8,
    unjudged=(
        Unjudged(REVISION_PATH, 14, "0002", "calls what is not read: tidy_up()"),
        Unjudged(UNREAD_PATH, 1, None, "the SQL is made when it runs: format('DROP TABLE %I')"),
        Unjudged(UNREAD_PATH, 2, None, "rows of COPY", hides_statements=False),
    ),
    migrations=4,
    suppressed=1,
    notices=('module "shop.models" is not installed here: its types are unknown',),
)


def _rule(name: str, family: Family, severity: Severity, page: str) -> Rule:
    """Return a rule that only has a page."""
    return Rule(
        name=name,
        family=family,
        severity=severity,
        since="0.1.0",
        directions=frozenset(Direction),
        page=page,
        check=leave_to_engine,
    )


# one that found something has no page here: a rule of another program
RULES = {
    rule.name: rule
    for rule in (
        _rule(
            "dropped-column",
            Family.BREAKAGE,
            Severity.ERROR,
            "Dropping a column breaks what reads it.\n\n## What it does\n\nFinds `DROP COLUMN`.",
        ),
        _rule("float-for-money", Family.TYPES, Severity.WARNING, "Floats do not add up."),
        _rule(
            "non-concurrent-index",
            Family.LOCKS,
            Severity.ERROR,
            "Building an index blocks writes.\n\n```sql\nCREATE INDEX i ON t (a);\n```",
        ),
        _rule("set-not-null-scan", Family.LOCKS, Severity.ERROR, "NOT NULL reads every row."),
        _rule("unused-ignore", Family.SUPPRESSIONS, Severity.INFO, "A comment without use."),
    )
}
