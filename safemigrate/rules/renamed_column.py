"""Renaming a column that running code still calls by its name."""

from collections.abc import Iterator

from safemigrate.model import Event, Finding, LockMode, Remedy, RenameColumn, Severity
from safemigrate.recipes import SecondColumn, add_second_column
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["renamed_column"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def renamed_column(context: Context) -> Iterator[Finding]:
    """Renaming a column breaks the code that still calls it by its old name.

    ## What it does

    Finds `RENAME COLUMN` in an upgrade, of a column that was there before the migration.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs: every SELECT and INSERT of its that
    names the column fails from the moment of the commit, and the new release fails until then.
    There is no order of deploying the two that fails nowhere.

    ## Example

    ```sql
    ALTER TABLE recipe RENAME COLUMN name TO title;
    ```

    ## Use instead

    Leave the column as it is and give the attribute another name,
    `title: Mapped[str] = mapped_column("name")`.
    Or add the new column beside the old one, keep both in step by a trigger, and drop the old one
    releases later.

    ```sql
    ALTER TABLE recipe ADD COLUMN title text;
    CREATE FUNCTION recipe_title_in_step() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            NEW.title := coalesce(NEW.title, NEW.name);
            NEW.name := NEW.title;
        ELSIF NEW.title IS DISTINCT FROM OLD.title THEN
            NEW.name := NEW.title;
        ELSE
            NEW.title := NEW.name;
        END IF;
        RETURN NEW;
    END
    $$;
    CREATE TRIGGER recipe_title_in_step BEFORE INSERT OR UPDATE ON recipe
        FOR EACH ROW EXECUTE FUNCTION recipe_title_in_step();
    ```

    ```python
    op.add_column("recipe", sa.Column("title", sa.Text()))
    # then the function and the trigger, by op.execute
    ```

    ## When it is safe

    On a column or table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", RENAME
    """
    for event, action in context.events(RenameColumn):
        if context.is_new(event, action.table):
            continue
        if context.is_new_column(event, action.table, action.column):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'renaming column "{action.column}" of "{table}" to "{action.new_name}" breaks code '
            "that uses the old name",
            why=(
                "the release that runs meanwhile still selects and writes the old name; RENAME "
                f"COLUMN holds ACCESS EXCLUSIVE on {tables} until the transaction ends"
            ),
            remedy=_remedy(event, action),
        )


def _remedy(event: Event, action: RenameColumn) -> Remedy:
    column = event.before.column(action.table, action.column)
    if column is None or column.type is None:
        return Remedy("keep the column's name and give only the attribute of the model another one")
    return add_second_column(
        SecondColumn(action.table, action.column, column.type, action.new_name, column.type)
    )
