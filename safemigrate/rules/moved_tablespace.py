"""A table or index copied to another tablespace."""

from collections.abc import Iterator

from safemigrate.model import (
    Confidence,
    Event,
    Finding,
    RelationKind,
    Remedy,
    SetTablespace,
    Severity,
)
from safemigrate.recipes import reindex_in_tablespace, run_in_quiet_hour
from safemigrate.rulekit import Context, Family, rule

__all__ = ["moved_tablespace"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def moved_tablespace(context: Context) -> Iterator[Finding]:
    """Moving a table or an index to another tablespace copies it with everybody shut out.

    ## What it does

    Finds `SET TABLESPACE` of a table, materialized view or index that was there before the
    migration. A partitioned table has no files of its own, and neither has its index.

    ## Why is this unsafe?

    The files are copied block by block under ACCESS EXCLUSIVE. All reads and writes wait, also
    where only an index is moved: every query looks at all indexes of its tables to be planned.

    ## Example

    ```sql
    ALTER INDEX recipe_name_idx SET TABLESPACE fast;
    ```

    ## Use instead

    An index can be built anew in the other place concurrently. For a table, an extension such as
    pg_repack copies it behind the scenes; or move it when nobody needs it.

    ```sql
    REINDEX (TABLESPACE fast) INDEX CONCURRENTLY recipe_name_idx;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute("REINDEX (TABLESPACE fast) INDEX CONCURRENTLY recipe_name_idx")
    ```

    ## When it is safe

    On what the same migration creates, and where it is in that tablespace already.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET TABLESPACE
    - PostgreSQL manual, "REINDEX", TABLESPACE
    """
    for event, action in context.events(SetTablespace):
        if _has_no_files(event, action) or _is_new(context, event, action):
            continue
        name = event.before.resolve(action.relation)
        yield context.finding(
            event,
            f'moving "{name}" to tablespace "{action.tablespace}" copies it with everybody '
            "shut out",
            why=f"ACCESS EXCLUSIVE on {name} is held while all of it is copied: reads and "
            "writes of the table wait",
            remedy=_remedy(event, action, context.rule),
            # It may be there already, which no history shows.
            confidence=Confidence.MEDIUM,
        )


def _has_no_files(event: Event, action: SetTablespace) -> bool:
    index = event.before.index(action.relation)
    table = event.before.table(action.relation if index is None else index.table)
    return table is not None and table.kind is RelationKind.PARTITIONED_TABLE


def _is_new(context: Context, event: Event, action: SetTablespace) -> bool:
    index = event.before.index(action.relation)
    if index is not None and index.name not in context.passage.before.indexes:
        # An index of a table in use shuts its readers out, however new it is.
        return context.is_new(event, index.table)
    return context.is_new(event, action.relation if index is None else index.table)


def _remedy(event: Event, action: SetTablespace, rule_name: str) -> Remedy:
    if event.before.names_index(action.relation):
        return reindex_in_tablespace(action)
    return run_in_quiet_hour(
        event.statement.sql,
        rule_name,
        advice="copy it behind the scenes by an extension such as pg_repack, or move it when "
        "nobody needs it",
        reason="nobody needs it at this time",
    )
