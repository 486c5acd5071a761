"""A revision without a way back."""

from collections.abc import Iterator

from safemigrate.model import DowngradeKind, Finding, Severity
from safemigrate.rulekit import DOWNGRADE_ONLY, Context, Family, rule

__all__ = ["missing_downgrade"]


@rule(family=Family.HYGIENE, severity=Severity.WARNING, since="0.1.0", directions=DOWNGRADE_ONLY)
def missing_downgrade(context: Context) -> Iterator[Finding]:
    """A revision without a downgrade cannot be taken back when its release has to be.

    ## What it does

    Finds revisions that have no function `downgrade`, or one that raises NotImplementedError.
    SQL files have no way back and are not looked at.

    ## Why is this unsafe?

    `alembic downgrade` stops at this revision with an error, and so does every downgrade to an
    older one: a release that fails can only be followed, not taken back.
    Nobody can prove the revision by applying it, rolling it back and applying it again.

    ## Example

    ```python
    def upgrade() -> None:
        op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## Use instead

    ```python
    def upgrade() -> None:
        op.add_column("recipe", sa.Column("origin", sa.Text()))


    def downgrade() -> None:
        op.drop_column("recipe", "origin")
    ```

    ## When it is safe

    When what the upgrade took away cannot be put back, and the reason is given in an ignore.
    The ignore stands alone on the line above `def downgrade`, not in its body.

    ## References

    - Alembic documentation, "Tutorial", Downgrading
    """
    match context.passage.migration.downgrade_kind:
        case DowngradeKind.MISSING:
            message = "there is no downgrade"
        case DowngradeKind.REFUSES:
            message = "the downgrade refuses to run"
        case DowngradeKind.EMPTY | DowngradeKind.PRESENT | DowngradeKind.NOT_APPLICABLE:
            return
    yield context.finding_about_file(
        message,
        why="alembic downgrade stops here, so this release and the older ones have no way back",
    )
