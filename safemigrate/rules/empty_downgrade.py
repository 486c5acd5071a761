"""A way back that goes nowhere."""

from collections.abc import Iterator

from safemigrate.model import (
    Action,
    ChangeRows,
    Direction,
    DowngradeKind,
    Finding,
    LockTable,
    NoTableAction,
    SetVariable,
    Severity,
    TransactionControl,
)
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["empty_downgrade"]


@rule(family=Family.HYGIENE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def empty_downgrade(context: Context) -> Iterator[Finding]:
    """A downgrade that does nothing says it took back what is still there.

    ## What it does

    Finds revisions whose `downgrade` runs no statement although `upgrade` runs some.
    Statements that change nothing of the schema, such as SET, SELECT or UPDATE, do not count.

    ## Why is this unsafe?

    `alembic downgrade` reports success and moves the version back, while the schema stays as it
    was. The next upgrade then fails on what already exists, in the middle of a release.

    ## Example

    ```python
    def upgrade() -> None:
        op.add_column("recipe", sa.Column("origin", sa.Text()))


    def downgrade() -> None:
        pass
    ```

    ## Use instead

    ```python
    def upgrade() -> None:
        op.add_column("recipe", sa.Column("origin", sa.Text()))


    def downgrade() -> None:
        op.drop_column("recipe", "origin")
    ```

    ## When it is safe

    In a merge revision, which has nothing to take back; nothing is found there.
    In a revision that only changes rows, which an older schema holds as well; nothing is found.

    ## References

    - Alembic documentation, "Tutorial", Downgrading
    """
    if context.passage.migration.downgrade_kind is not DowngradeKind.EMPTY:
        return
    if any(_leaves_something(event.action) for event in context.all_events()):
        yield context.finding_about_file(
            "the downgrade does nothing although the upgrade does something",
            why="alembic downgrade reports success and leaves everything as it is, and the next "
            "upgrade meets what is already there",
            direction=Direction.DOWNGRADE,
        )


def _leaves_something(action: Action) -> bool:
    """Return whether the action leaves anything behind that the next upgrade could meet."""
    if isinstance(action, NoTableAction):
        return action.kind not in {"SELECT", "SHOW"}
    return not isinstance(action, SetVariable | TransactionControl | LockTable | ChangeRows)
