"""A label without a place among the others."""

from collections.abc import Iterator

from safemigrate.model import AddEnumValue, Event, Finding, Remedy, Severity
from safemigrate.recipes import place_value
from safemigrate.rulekit import Context, Family, is_new_enum, rule

__all__ = ["unplaced_enum_value"]


@rule(family=Family.ENUMS, severity=Severity.INFO, since="0.1.0", is_default=False)
def unplaced_enum_value(context: Context) -> Iterator[Finding]:
    """A label added without BEFORE or AFTER sorts behind all others, for ever.

    ## What it does

    Finds `ALTER TYPE … ADD VALUE` without `BEFORE` or `AFTER`, of an enum that was there before the
    migration. The rule is off unless it is selected, because most enums have no order.

    ## Why is this unsafe?

    `ORDER BY`, `<` and `max()` go by the order of the labels, and no command changes it later.
    Where the model lists the label in another place than the last, a database made from the model
    sorts otherwise than a migrated one.

    ## Example

    ```sql
    ALTER TYPE course ADD VALUE 'snack';
    ```

    ## Use instead

    ```sql
    ALTER TYPE course ADD VALUE 'snack' AFTER 'main';
    ```

    ```python
    op.execute("ALTER TYPE course ADD VALUE 'snack' AFTER 'main'")
    ```

    ## When it is safe

    Where nothing sorts or compares by the enum, and for an enum that is created in the same
    migration, with the table or without.

    ## References

    - PostgreSQL manual, "ALTER TYPE", ADD VALUE
    - PostgreSQL manual, "Data Types", Enumerated Types
    """
    for event, action in context.events(AddEnumValue):
        if action.is_placed or is_new_enum(context, event, action.type):
            continue
        enum = event.before.resolve(action.type)
        yield context.finding(
            event,
            f'"{action.label}" sorts behind all other labels of enum "{enum}"',
            why="comparisons and ORDER BY go by the order of the labels, and nothing changes it "
            "later",
            remedy=_remedy(event, action),
        )


def _remedy(event: Event, action: AddEnumValue) -> Remedy:
    labels = event.before.enums.get(event.before.resolve(action.type))
    if not labels:
        return Remedy("say BEFORE or AFTER which label it belongs")
    return place_value(action, labels[-1])
