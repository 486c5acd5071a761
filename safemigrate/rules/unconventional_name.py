"""Names that do not follow the project's convention."""

from collections.abc import Iterator

from safemigrate.model import Finding, Remedy, Severity
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    matches_convention,
    named_things,
    rule,
    show_convention,
)

__all__ = ["unconventional_name"]


@rule(family=Family.NAMING, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def unconventional_name(context: Context) -> Iterator[Finding]:
    """A name outside the project's convention cannot be guessed by code that needs it.

    ## What it does

    Finds names of tables, columns, indexes and constraints, given or chosen by PostgreSQL, that do
    not match the pattern of their kind in the option `naming`: a regular expression for the whole
    name, or a template of SQLAlchemy's `naming_convention`. Where the option is silent, the
    convention of the project's own metadata counts; a kind without a pattern is free.
    A unique index may be named as an index or as a unique constraint.

    ## Why is this unsafe?

    A later migration drops a constraint by the name that the convention gives it, and fails where
    the name is another one: on the one database that was made in another way, which is production.
    Autogenerate sees a difference that is none.

    ## Example

    With `naming = { ix = "ix_%(table_name)s_%(column_0_name)s" }`:

    ```sql
    CREATE INDEX CONCURRENTLY by_name ON recipe (name);
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY ix_recipe_name ON recipe (name);
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("ix_recipe_name", "recipe", ["name"], postgresql_concurrently=True)
    ```

    ## When it is safe

    Where another system demands the name, with an ignore comment that says so.

    ## References

    - SQLAlchemy manual, "Configuring Constraint Naming Conventions"
    - Alembic manual, "The Importance of Naming Constraints"
    """
    naming = context.options.naming
    for thing in named_things(context) if naming else ():
        patterns = [naming[kind] for kind in thing.kinds if kind in naming]
        if not patterns or any(matches_convention(each, thing) for each in patterns):
            continue
        wanted = show_convention(patterns[0], thing)
        whose = "" if thing.what == "table" else f' of "{thing.event.before.resolve(thing.table)}"'
        yield context.finding(
            thing.event,
            f'{thing.what} "{thing.name}"{whose} is not named by the convention, {wanted}',
            why="a later migration that makes the name by the convention does not find it",
            remedy=Remedy(advice=f"name it {wanted}"),
            offset=thing.offset,
        )
