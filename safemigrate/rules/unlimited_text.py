"""Text that may be of any length."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, Severity
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    WrittenColumn,
    find_forbidden,
    rule,
    written_columns,
)

__all__ = ["unlimited_text"]

_TEXTS = frozenset({"text", "character varying"})


@rule(
    family=Family.TYPES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def unlimited_text(context: Context) -> Iterator[Finding]:
    """A text column without a limit takes a gigabyte from whoever sends one.

    ## What it does

    Finds columns of type `text`, and `varchar` without a limit, in new tables and new columns,
    where the same migration gives them no CHECK of their own and no foreign key.
    Any CHECK on the column alone counts, but for one that only asks for NOT NULL.
    An opinion, and off until the project selects it; `limited-varchar` is the opposite one.

    ## Why is this unsafe?

    What is not limited is filled one day, by mistake or on purpose: with a page of HTML, or a file.
    Each row that is read, sorted, copied or indexed then carries it, and above some 2,700 bytes
    an INSERT into a btree index fails. A limit is cheap on the first day and hard to find later.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN title text;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN title text;
    ALTER TABLE recipe
        ADD CONSTRAINT recipe_title_check CHECK (char_length(title) <= 200) NOT VALID;
    -- in the next transaction:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_title_check;
    ```

    ```python
    # one revision
    op.add_column("recipe", sa.Column("title", sa.Text()))
    op.create_check_constraint(
        "recipe_title_check", "recipe", "char_length(title) <= 200", postgresql_not_valid=True
    )
    # the next one
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_title_check")
    ```

    ## When it is safe

    For texts that people write at length, where the program sets the limit.

    ## References

    - PostgreSQL manual, "Character Types"
    """
    for new in written_columns(context):
        written = new.definition.type
        is_text = written.name in _TEXTS and not written.modifiers and not written.dimensions
        if is_text and find_forbidden(context, written, is_serial=False) is not None:
            continue
        if is_text and new.at_end is not None and not _is_limited(new):
            yield context.finding(
                new.event,
                f'column "{new.name}" of "{new.table}" takes text of any length',
                why="one value can have up to a gigabyte, which every reader of the row carries",
                offset=new.offset,
            )


def _is_limited(new: WrittenColumn) -> bool:
    """Return whether a CHECK or a reference says what may stand in it."""
    if any(new.constraints(ConstraintKind.FOREIGN_KEY)):
        return True
    conditions = [check.expression for check in new.constraints(ConstraintKind.CHECK)]
    return any(
        said is not None and said.columns == (new.name,) and not said.not_null_columns
        for said in conditions
    )
