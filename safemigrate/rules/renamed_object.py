"""Renaming a type, function, sequence or the like that running code calls by its name."""

from collections.abc import Iterator

from safemigrate.model import Finding, RenameObject, RenameType, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import (
    ROUTINES,
    UPGRADE_ONLY,
    Context,
    Family,
    is_new_object,
    is_there_after,
    rule,
)

__all__ = ["renamed_object"]

_USED_BY_CODE = ROUTINES | {"COLLATION", "DOMAIN", "FOREIGN TABLE", "SEQUENCE", "TYPE"}


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def renamed_object(context: Context) -> Iterator[Finding]:
    """Renaming a type, function or sequence breaks the code that still uses its old name.

    ## What it does

    Finds `ALTER … RENAME TO` in an upgrade, of a type, domain, function, procedure, aggregate,
    sequence, collation or foreign table that was there before the migration, unless the migration
    makes another one of the old name.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs: its calls of the function, its
    `nextval('…')` and its casts fail from the moment of the commit; the new release fails until
    then. Drivers and SQLAlchemy cast to enum types by name, also where no query writes it.
    The bodies of functions are text and keep the old name.

    ## Example

    ```sql
    ALTER FUNCTION price(bigint) RENAME TO price_of_dish;
    ```

    ## Use instead

    Make another one of the new name beside it; drop the old one releases later.

    ```sql
    CREATE FUNCTION price_of_dish(id bigint) RETURNS numeric
      LANGUAGE sql STABLE AS 'SELECT price($1)';
    ```

    ```python
    op.execute(
        "CREATE FUNCTION price_of_dish(id bigint) RETURNS numeric "
        "LANGUAGE sql STABLE AS 'SELECT price($1)'"
    )
    ```

    A type or sequence cannot be had under two names: keep its name, or rename it when no running
    release uses it.

    ## When it is safe

    Once no running release uses the old name, and on what the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER FUNCTION"
    - PostgreSQL manual, "ALTER TYPE"
    - PostgreSQL manual, "ALTER SEQUENCE"
    """
    for event, action in context.events(RenameObject, RenameType):
        name = action.type if isinstance(action, RenameType) else action.name
        kind = "TYPE" if isinstance(action, RenameType) else action.kind
        if kind not in _USED_BY_CODE or is_new_object(context, event, kind, name):
            continue
        if is_there_after(context, event, kind, name):
            continue
        advice = (
            "make one of the new name beside it, use that everywhere, and drop the old one later"
            if kind in ROUTINES
            else "keep the name, or rename it in a release after the last that uses it"
        )
        yield context.finding(
            event,
            f'renaming {kind.lower()} "{event.before.resolve(name)}" to "{action.new_name}" breaks '
            "code that uses the old name",
            why=(
                "the release that runs meanwhile still uses the old name, and the new release "
                "finds none under the new one until the commit"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice=advice,
                reason="old name unused since release <version>",
                when="in a release after the last one that uses the old name",
            ),
        )
