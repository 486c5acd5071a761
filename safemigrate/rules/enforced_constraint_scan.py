"""A foreign key that is enforced again, by a look at every row."""

from collections.abc import Iterator

from safemigrate.model import AlterConstraint, Certainty, Confidence, Finding, LockMode, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import Context, Family, join_words, name_locked_tables, rule

__all__ = ["enforced_constraint_scan"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def enforced_constraint_scan(context: Context) -> Iterator[Finding]:
    """Enforcing a foreign key looks every row up with everybody shut out.

    ## What it does

    Finds `ALTER CONSTRAINT … ENFORCED` (from 18 on) of a foreign key that is not enforced, on
    tables that were there before the migration.

    ## Why is this unsafe?

    Every row is looked up in the referenced table, under ACCESS EXCLUSIVE on the table and SHARE
    ROW EXCLUSIVE on the referenced one: every SELECT and every write waits all that time, and on
    the other table every write. It has no `NOT VALID`.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER CONSTRAINT recipe_loose_fkey ENFORCED;
    ```

    ## Use instead

    Add the same foreign key again under another name, and drop the one that is not enforced.

    ```sql
    ALTER TABLE recipe
        ADD CONSTRAINT recipe_cook_fk FOREIGN KEY (cook) REFERENCES cook (id) NOT VALID;
    -- in the next transaction:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_cook_fk;
    ALTER TABLE recipe DROP CONSTRAINT recipe_loose_fkey;
    ```

    ```python
    op.create_foreign_key(
        "recipe_cook_fk", "recipe", "cook", ["cook"], ["id"], postgresql_not_valid=True
    )
    # the next revision
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_cook_fk")
    op.drop_constraint("recipe_loose_fkey", "recipe")
    ```

    ## When it is safe

    On a table that the same migration creates and puts no rows in, and where the constraint is
    enforced already.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ALTER CONSTRAINT
    """
    for event, action in context.events(AlterConstraint):
        facts = event.facts
        is_unsure = facts.certainty is Certainty.UNKNOWN
        if not action.is_enforced or not (facts.scans or is_unsure):
            continue
        if not facts.scans and context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        tables = join_words([str(name) for name in facts.scans or (table,)])
        locked = name_locked_tables(event, LockMode.SHARE_ROW_EXCLUSIVE)
        yield context.finding(
            event,
            f'enforcing constraint "{action.name}" reads all of {tables} with everybody shut out',
            why=(
                f"every row of {table} is looked up under ACCESS EXCLUSIVE, with writers of "
                f"{locked} waiting: all its reads and writes wait"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="add the same foreign key under another name NOT VALID, validate it, and "
                "drop this one; or enforce it when nobody needs the tables",
                reason="nobody needs the tables at this time",
                when="when nobody needs the tables",
            ),
            confidence=None if facts.scans else Confidence.LOW,
        )
