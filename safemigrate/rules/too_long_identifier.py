"""Names that PostgreSQL cuts off."""

from collections.abc import Iterator

from safemigrate.model import Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, find_whole_name, new_names, rule

__all__ = ["too_long_identifier"]


@rule(family=Family.NAMING, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def too_long_identifier(context: Context) -> Iterator[Finding]:
    """A name of more than 63 bytes is cut off, and what is left may be somebody else's.

    ## What it does

    Finds names of more than 63 bytes that a migration gives to tables, columns, indexes,
    constraints and whatever else it makes or renames. Bytes are counted, not letters: one beyond
    ASCII takes two or more.

    ## Why is this unsafe?

    The server cuts the name with no more than a notice. Two long names with one beginning are then
    the same, and the second statement fails; IF NOT EXISTS skips it in silence. Code that looks
    the name up in the catalog, as autogenerate does, does not find it.

    ## Example

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT
        recipe_servings_have_to_be_more_than_none_and_less_than_one_hundred
        CHECK (servings BETWEEN 1 AND 99) NOT VALID;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe
        ADD CONSTRAINT recipe_servings_check CHECK (servings BETWEEN 1 AND 99) NOT VALID;
    ```

    ```python
    op.create_check_constraint(
        "recipe_servings_check", "recipe", "servings BETWEEN 1 AND 99", postgresql_not_valid=True
    )
    ```

    ## When it is safe

    Never; only a server built with a larger NAMEDATALEN keeps more.

    ## References

    - PostgreSQL manual, "SQL Syntax", Identifiers and Key Words
    """
    for new in new_names(context):
        whole = find_whole_name(new)
        if whole is not None:
            size = len(whole.encode())
            yield context.finding(
                new.event,
                f'{new.kind} "{whole}" has {size} bytes and is cut to "{new.name}"',
                why="the server keeps 63 bytes: another long name may become the same",
                remedy=Remedy(advice="take a name of at most 63 bytes"),
                offset=new.offset,
            )
