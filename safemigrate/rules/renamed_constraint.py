"""Renaming a constraint that running code knows by name."""

from collections.abc import Iterator

from safemigrate.model import (
    Event,
    Finding,
    QualifiedName,
    RenameConstraint,
    RenameIndex,
    Severity,
)
from safemigrate.recipes import rename_constraint_later
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["renamed_constraint"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def renamed_constraint(context: Context) -> Iterator[Finding]:
    """Renaming a constraint breaks code that knows it by name when it handles an error.

    ## What it does

    Finds `RENAME CONSTRAINT` in an upgrade, and `ALTER INDEX … RENAME` of an index that carries a
    constraint, which renames both.

    ## Why is this unsafe?

    PostgreSQL reports a violation with the constraint's name. Code that tells "this address is
    taken" from other errors compares that name, and after the rename answers with a bare failure.
    `INSERT … ON CONFLICT ON CONSTRAINT name` fails outright.

    ## Example

    ```sql
    ALTER TABLE recipe RENAME CONSTRAINT recipe_email_key TO recipe_email_is_unique;
    ```

    ## Use instead

    Teach the code both names, deploy that everywhere, and rename in a later release.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[renamed-constraint] both names known since release 4.2
    ALTER TABLE recipe RENAME CONSTRAINT recipe_email_key TO recipe_email_is_unique;
    RESET lock_timeout;
    ```

    ```python
    # safemigrate: ignore[renamed-constraint] both names known since release 4.2
    op.execute("ALTER TABLE recipe RENAME CONSTRAINT recipe_email_key TO recipe_email_is_unique")
    ```

    ## When it is safe

    When no code names the constraint. On a constraint or table that the same migration creates,
    nothing is found.

    ## References

    - PostgreSQL manual, "ALTER TABLE", RENAME
    - PostgreSQL manual, "INSERT", ON CONFLICT Clause
    """
    for event, table, action in _renames(context):
        if context.is_new(event, table) or context.is_new_constraint(event, table, action.name):
            continue
        resolved = event.before.resolve(table)
        yield context.finding(
            event,
            f'renaming constraint "{action.name}" of "{resolved}" breaks code that knows it by '
            "name",
            why=(
                "code that catches a violation tells it by this name, and ON CONFLICT ON "
                "CONSTRAINT names it: the release that runs meanwhile knows the old name only"
            ),
            remedy=rename_constraint_later(table, action, context.rule),
        )


def _renames(context: Context) -> Iterator[tuple[Event, QualifiedName, RenameConstraint]]:
    """Yield every rename of a constraint with its table, by itself or by way of its index."""
    for event, action in context.events(RenameConstraint, RenameIndex):
        match action:
            case RenameConstraint():
                yield event, action.table, action
            case RenameIndex():
                index = event.before.index(action.index)
                if index is not None and index.constraint is not None:
                    rename = RenameConstraint(index.table, index.constraint, action.new_name)
                    yield event, index.table, rename
