"""Renaming a label that running code still writes."""

from collections.abc import Iterator

from safemigrate.model import Finding, RenameEnumValue, Severity
from safemigrate.recipes import add_value_beside
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, is_new_enum, rule

__all__ = ["renamed_enum_value"]


@rule(family=Family.ENUMS, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def renamed_enum_value(context: Context) -> Iterator[Finding]:
    """Renaming a label of an enum breaks the code that still writes or reads the old one.

    ## What it does

    Finds `ALTER TYPE … RENAME VALUE` in an upgrade, of an enum that was there before the migration.

    ## Why is this unsafe?

    No row is touched: every row that had the old label has the new one from the commit on.
    The release that runs meanwhile fails with "invalid input value for enum" when it writes the old
    label or compares with it, and reads one that it does not know. The next release would fail
    before the commit. There is no order of deploying the two that fails nowhere.

    ## Example

    ```sql
    ALTER TYPE course RENAME VALUE 'sweet' TO 'dessert';
    ```

    ## Use instead

    Add the new label beside the old one, teach the code both, and change the rows in a later
    release. The old label stays, for no command drops one.

    ```sql
    ALTER TYPE course ADD VALUE IF NOT EXISTS 'dessert' AFTER 'sweet';
    ```

    ```python
    op.execute("ALTER TYPE course ADD VALUE IF NOT EXISTS 'dessert' AFTER 'sweet'")
    ```

    ## When it is safe

    For a label that no release has written yet, and for an enum that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TYPE", RENAME VALUE
    - PostgreSQL manual, "Data Types", Enumerated Types
    """
    for event, action in context.events(RenameEnumValue):
        if is_new_enum(context, event, action.type):
            continue
        enum = event.before.resolve(action.type)
        yield context.finding(
            event,
            f'renaming "{action.label}" of enum "{enum}" to "{action.new_label}" breaks code that '
            "uses the old label",
            why="from the commit on, the release that runs meanwhile fails where it writes the old "
            "label or compares with it, and reads one that it does not know",
            remedy=add_value_beside(action),
        )
