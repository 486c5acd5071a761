"""A rule that turns one statement into others."""

from collections.abc import Iterator

from safemigrate.model import CreateRule, Finding, RelationKind, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["rewrite_rule"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def rewrite_rule(context: Context) -> Iterator[Finding]:
    """A rule rewrites statements before they are planned, and does other than it seems to.

    ## What it does

    Finds `CREATE RULE` on a table. Views are left alone.

    ## Why is this unsafe?

    A rule is put into the text of every statement on the table: an expression such as `nextval()`
    or `random()` is computed more than once, RETURNING and the row count come from somewhere else,
    and COPY does not see the rule at all. The release that runs meanwhile expects none of it.
    CREATE RULE takes ACCESS EXCLUSIVE on the table: all reads and writes wait.

    ## Example

    ```sql
    CREATE RULE recipe_log AS ON INSERT TO recipe DO ALSO INSERT INTO log VALUES (NEW.id);
    ```

    ## Use instead

    A trigger sees each row as it is written, once.

    ```sql
    CREATE FUNCTION log_recipe() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO log VALUES (NEW.id);
        RETURN NULL;
    END $$;
    CREATE TRIGGER recipe_log AFTER INSERT ON recipe
        FOR EACH ROW EXECUTE FUNCTION log_recipe();
    ```

    ```python
    op.execute(
        "CREATE TRIGGER recipe_log AFTER INSERT ON recipe"
        " FOR EACH ROW EXECUTE FUNCTION log_recipe()"
    )
    ```

    ## When it is safe

    Never on a table, also where it is created in the same migration. To make a view take writes, a
    trigger INSTEAD OF does as well.

    ## References

    - PostgreSQL manual, "The Rule System", Rules Versus Triggers
    - PostgreSQL wiki, "Don't Do This", Don't use rules
    """
    for event, action in context.events(CreateRule):
        table = event.before.table(action.table)
        if table is not None and table.kind in {RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW}:
            continue
        name = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'rule "{action.name}" rewrites the statements on "{name}"',
            why=(
                "values may be computed twice, RETURNING and row counts change, and COPY passes "
                f"it by; ACCESS EXCLUSIVE on {name} keeps all reads and writes waiting"
            ),
            remedy=Remedy("write it as a trigger, which sees each row once"),
        )
