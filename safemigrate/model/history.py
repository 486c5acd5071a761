"""What was found to be run: statements, migrations, and the history they make."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from safemigrate.model.names import Span

__all__ = [
    "NO_SUCH_REVISION",
    "SEVERAL_HEADS",
    "Assumption",
    "Direction",
    "DowngradeKind",
    "History",
    "Migration",
    "OwnImport",
    "Statement",
    "Unjudged",
]

SEVERAL_HEADS = "`alembic upgrade head` refuses to choose"
"""What a notice of `History` says where it has several heads that are not meant."""

NO_SUCH_REVISION = "no file has that revision id"
"""What a notice of `History` says where a revision refers to one that is not there."""


class Direction(Enum):
    """Which way a migration runs."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"


class DowngradeKind(Enum):
    """What a migration's `downgrade` is.

    `NOT_APPLICABLE`: a SQL file without a way back. `MISSING`: no function of that name.
    `REFUSES`: it raises NotImplementedError on purpose. `EMPTY`: it runs and does nothing.
    """

    NOT_APPLICABLE = "not applicable"
    MISSING = "missing"
    REFUSES = "refuses"
    EMPTY = "empty"
    PRESENT = "present"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of SQL, where it was written and how it will run.

    `sql`: the text sent, bound values as `$1`, `$2`, …; without the closing semicolon.
    `span`: in `path`; for a revision, the call that sent it.
    `is_literal`: `sql` stands in the file letter by letter from `span` on (SQL files).
    `ordinal`: 1-based, within migration and direction.
    `transaction`: 1-based number of the transaction within migration and direction; None when
    it runs outside one.
    `is_assumed`: it was recorded after an answer of the database was looked at, which the
    recording could not know.
    `helper`: `path:line` of the innermost place of the project's own code outside the revision that
    sent it, when a helper in another file did; empty when the revision sent it itself.
    """

    sql: str
    path: str
    span: Span
    revision: str | None
    direction: Direction
    ordinal: int
    transaction: int | None
    is_assumed: bool = False
    is_literal: bool = False
    helper: str = ""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Something that could not be judged, and why; `line` is 1-based.

    `hides_statements`: statements may have run there that nobody saw; the rows of COPY and most
    of psql's own commands hide none.
    `is_unloadable`: it is a revision file that cannot even be imported.
    """

    path: str
    line: int
    revision: str | None
    reason: str
    hides_statements: bool = True
    is_unloadable: bool = False


@dataclass(frozen=True, slots=True)
class Assumption:
    """What a recording had to assume, and why; `line` is 1-based.

    The statements behind it are judged, and are the right ones if it holds.
    `hides_changes`: if it does not hold, the schema may be another one.
    """

    path: str
    line: int
    revision: str | None
    reason: str
    hides_changes: bool = True


@dataclass(frozen=True, slots=True)
class OwnImport:
    """A module of the project itself that a revision imports, and the 1-based line.

    `is_found`: it is here; what is not may also be of a library that is not installed.
    """

    module: str
    line: int
    is_found: bool = True


@dataclass(frozen=True, slots=True)
class Migration:
    """One revision, or one SQL file.

    `path`: as shown to the user, relative to where the command runs when below it.
    `revision`: None for a SQL file.
    `text`: the file's content, for excerpts and suppressions.
    `upgrade_line`, `downgrade_line`: where the functions begin; 1 when they are not there.
    `downgrade`: empty for a SQL file, but for those of tools that have both ways.
    `imports`: what it imports of the project itself.
    `runner`: the tool that opens and ends the transactions of a SQL file; empty for Alembic, and
    where each statement runs by itself, as psql has it. `wrapped`: the directions in which it sends
    BEGIN before the statements, and COMMIT behind them.
    `reverses`: the path of the migration that `downgrade` takes back, where that is another file,
    the one just before; `upgrade` is empty then.
    """

    path: str
    text: str
    revision: str | None = None
    message: str = ""
    down_revisions: tuple[str, ...] = ()
    upgrade: tuple[Statement, ...] = ()
    downgrade: tuple[Statement, ...] = ()
    downgrade_kind: DowngradeKind = DowngradeKind.NOT_APPLICABLE
    upgrade_line: int = 1
    downgrade_line: int = 1
    unjudged: tuple[Unjudged, ...] = ()
    imports: tuple[OwnImport, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    runner: str = ""
    wrapped: frozenset[Direction] = frozenset()
    reverses: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Migrations in the order they run; each knows nothing of the later ones.

    `is_complete`: it starts from an empty database (an Alembic history does; SQL files without
    `--schema` do not).
    `notices`: what the reader of a report should know about how it was read.
    `naming_convention`: the project's own templates of names, by SQLAlchemy's short keys, such as
    `{"ix": "ix_%(table_name)s_%(column_0_name)s"}`; empty where it has none.
    `setup`: what env.py itself sends before the migrations run.
    `further`: what the same migrations send to further databases, where env.py runs them on several
    and they send something else there; in the order in which it does.
    `inputs`: the absolute paths of other files of the project that were read for it: env.py,
    helpers, files of SQL.
    `required_variables`: of the environment, which the project has to have, set here or not.
    """

    migrations: tuple[Migration, ...]
    is_complete: bool = False
    notices: tuple[str, ...] = ()
    naming_convention: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[Statement, ...] = ()
    further: "tuple[History, ...]" = ()
    inputs: frozenset[str] = frozenset()
    required_variables: tuple[str, ...] = ()
