"""A sequence that is given another type."""

from collections.abc import Iterator

from safemigrate.model import AlterSequence, CreateSequence, Finding, QualifiedName, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["altered_sequence_type"]


@rule(
    family=Family.LOCKS,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def altered_sequence_type(context: Context) -> Iterator[Finding]:
    """Changing a sequence's type keeps everybody waiting who needs a number from it.

    ## What it does

    Finds `ALTER SEQUENCE … AS` of a sequence that was there before the migration.
    It is off by default: the change itself is instant.

    ## Why is this unsafe?

    The sequence is written anew under SHARE ROW EXCLUSIVE until the transaction ends: every INSERT
    that takes a number waits. A smaller type fails where the numbers no longer fit.
    The column that the numbers go to keeps its own type.

    ## Example

    ```sql
    ALTER SEQUENCE recipe_id_seq AS bigint;
    ```

    ## Use instead

    In a migration that does nothing else:

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[altered-sequence-type] nothing else in this transaction
    ALTER SEQUENCE recipe_id_seq AS bigint;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[altered-sequence-type] nothing else in this transaction
    op.execute("ALTER SEQUENCE recipe_id_seq AS bigint")
    ```

    ## When it is safe

    When the sequence is created by the same migration.

    ## References

    - PostgreSQL manual, "ALTER SEQUENCE", Notes
    """
    made: set[QualifiedName] = set()
    for event, action in context.events(CreateSequence, AlterSequence):
        name = event.before.resolve(action.sequence)
        if isinstance(action, CreateSequence):
            made.add(event.before.resolve_new(action.sequence))
        elif action.type is not None and name not in made:
            yield context.finding(
                event,
                f'making sequence "{name}" {action.type} keeps everybody waiting who needs a '
                "number",
                why=(
                    f"SHARE ROW EXCLUSIVE on {name} is held until the transaction ends: nextval() "
                    "waits, and with it INSERT"
                ),
                remedy=run_in_quiet_hour(
                    event.statement.sql,
                    context.rule,
                    advice="do it in a migration of its own, behind a short lock_timeout",
                    reason="nothing else in this transaction",
                    when="in a migration that does nothing else",
                ),
            )
