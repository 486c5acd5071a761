"""A CASCADE that nobody can see the end of."""

from collections.abc import Iterator

from safemigrate.model import Confidence, DropObject, Finding, Remedy, Severity, UnmodelledAction
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["unknown_cascade"]


@rule(family=Family.DATA_LOSS, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def unknown_cascade(context: Context) -> Iterator[Finding]:
    """A CASCADE whose reach is not known can drop columns and tables that nobody named.

    ## What it does

    Finds `DROP … CASCADE` of a type, domain, function, sequence, extension, or anything else whose
    dependants the history does not show, and `DROP OWNED`, in an upgrade.

    ## Why is this unsafe?

    `DROP TYPE mood CASCADE` drops every column of the type, with its values; dropping a function
    takes along triggers, defaults and generated columns; dropping an extension, all of these.
    Nothing of it is written in the migration, so no review and no rule sees it, and each table
    concerned is held under ACCESS EXCLUSIVE.

    ## Example

    ```sql
    DROP TYPE mood CASCADE;
    ```

    ## Use instead

    Leave CASCADE out: the server then refuses, and names what depends on it. Drop that by name,
    each by a statement of its own.

    ```sql
    DROP TYPE mood;
    ```

    ```python
    op.execute("DROP TYPE mood")
    ```

    ## When it is safe

    Where nothing depends on it, CASCADE does nothing: leave it out.

    ## References

    - PostgreSQL manual, "Dependency Tracking"
    """
    for event, action in context.events(DropObject, UnmodelledAction):
        match action:
            case DropObject(is_cascade=True, kind=kind):
                command = f"DROP {kind} CASCADE"
            case UnmodelledAction(kind="DROP OWNED" as command):
                pass
            case _:
                continue
        yield context.finding(
            event,
            f"what {command} takes along is not known",
            why=(
                "columns, defaults, triggers and tables that depend on it go without being named, "
                "each table held under ACCESS EXCLUSIVE meanwhile"
            ),
            remedy=Remedy(
                "leave CASCADE out: the server names what depends on it; drop that by name, each "
                "by a statement of its own"
            ),
            # It may be nothing.
            confidence=Confidence.MEDIUM,
        )
