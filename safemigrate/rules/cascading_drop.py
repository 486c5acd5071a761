"""A CASCADE that takes along what the migration does not name."""

from collections.abc import Iterator

from safemigrate.model import (
    Confidence,
    DropColumn,
    DropConstraint,
    DropTable,
    DropView,
    Event,
    Finding,
    Severity,
)
from safemigrate.recipes import drop_each_by_name
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, list_dependants, rule

__all__ = ["cascading_drop"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def cascading_drop(context: Context) -> Iterator[Finding]:
    """A CASCADE drops views and foreign keys that nobody named, and code goes on using them.

    ## What it does

    Finds `CASCADE` in an upgrade, at `DROP TABLE`, `DROP VIEW`, `DROP COLUMN` and
    `DROP CONSTRAINT`, where the history shows what goes along: views that read it, foreign keys
    that reference it, and columns generated from it. The finding names them.

    ## Why is this unsafe?

    Nobody who reads the migration sees what goes. A view that goes breaks the code that selects
    from it; a foreign key that goes lets in rows that reference nothing, and each of its tables is
    held under ACCESS EXCLUSIVE as well. A view or constraint that another migration adds before
    this one runs goes too.

    ## Example

    ```sql
    DROP TABLE cook CASCADE;
    ```

    ## Use instead

    Drop by name what depends on it, and then the thing itself without CASCADE: the server refuses
    if anything was overlooked.

    ```sql
    DROP VIEW menu;
    ALTER TABLE recipe DROP CONSTRAINT recipe_cook_id_fkey;
    DROP TABLE cook;
    ```

    ```python
    op.execute("DROP VIEW menu")
    op.drop_constraint("recipe_cook_id_fkey", "recipe")
    op.drop_table("cook")
    ```

    ## When it is safe

    Where nothing that was there before the migration goes along; then CASCADE is not needed.
    What the same statement drops by name is not counted.
    A view that reads the table of a dropped column may read other columns only: such a finding has
    medium confidence.

    ## References

    - PostgreSQL manual, "Dependency Tracking"
    """
    for event, action in _cascades(context):
        found = list_dependants(context, event, action)
        if not found:
            continue
        match action:
            case DropTable(table=name) | DropView(view=name):
                what = f'dropping "{event.before.resolve(name)}"'
            case DropColumn(column=part, table=name) | DropConstraint(name=part, table=name):
                what = f'dropping "{part}" of "{event.before.resolve(name)}"'
        is_certain = any(one.is_certain for one in found)
        yield context.finding(
            event,
            f"{what} takes along {join_words([str(one) for one in reversed(found)])}",
            why="the migration does not name it, and the release that runs meanwhile relies on it",
            remedy=drop_each_by_name([one.drop for one in found], action),
            confidence=None if is_certain else Confidence.MEDIUM,
        )


def _cascades(
    context: Context,
) -> Iterator[tuple[Event, DropTable | DropView | DropColumn | DropConstraint]]:
    for event, relation in context.events(DropTable, DropView):
        if relation.is_cascade:
            yield event, relation
    for event, part in context.events(DropColumn, DropConstraint):
        if part.is_cascade:
            yield event, part
