"""A setting that outlives the migration."""

from collections.abc import Iterator

from safemigrate.model import Event, Finding, SetVariable, Severity
from safemigrate.recipes import set_locally
from safemigrate.rulekit import Context, Family, rule

__all__ = ["leaked_setting"]


@rule(family=Family.TRANSACTIONS, severity=Severity.WARNING, since="0.1.0")
def leaked_setting(context: Context) -> Iterator[Finding]:
    """A setting made for the session changes what the migrations behind it do, in the same run.

    ## What it does

    Finds in revisions, and in files of tools that run several in one session, `SET` without `LOCAL`
    of `search_path`, `role`, `session_replication_role`, `row_security`, `default_tablespace` and
    `default_table_access_method`, where the migration ends without having taken it back.

    ## Why is this unsafe?

    The migrations that come next run in the same session where they run together, and in another
    one where they are deployed one by one. So the same history makes two different schemas:
    tables come to lie in another schema, have another owner, or get rows that no foreign key and
    no trigger has looked at. What Alembic notes in its own version table is looked for there too.

    ## Example

    ```python
    def upgrade() -> None:
        op.execute("SET search_path TO kitchen")
        op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## Use instead

    ```python
    def upgrade() -> None:
        op.execute("SET LOCAL search_path TO kitchen")
        op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    Where each migration has a session of its own, as a file that psql runs does, in which nothing
    is found. What env.py sets for all of them is not found either.
    It makes no difference that the same migration creates the tables.

    ## References

    - PostgreSQL manual, "SET"
    - PostgreSQL manual, "Client Connection Defaults", `search_path`, `session_replication_role`
    """
    migration = context.passage.migration
    if migration.revision is None and not migration.runner:
        return
    before, after = context.passage.before.settings, context.passage.after.settings
    last: dict[str, Event] = {}
    for event, action in context.events(SetVariable):
        if action.name in _FAR_REACHING and not action.is_local:
            last[action.name] = event
    for name, event in last.items():
        if name not in after or after[name] == before.get(name):
            continue
        yield context.finding(
            event,
            f"{name} stays {after[name]} for the migrations that come next",
            why="those of the same run have it, those of a later run have not: what they do then "
            "depends on how they were deployed",
            remedy=set_locally(
                event.statement.sql, name, is_in_transaction=event.statement.transaction is not None
            ),
        )


# What decides where things lie, whose they are, and what is checked.
_FAR_REACHING = frozenset(
    {
        "default_table_access_method",
        "default_tablespace",
        "role",
        "row_security",
        "search_path",
        "session_replication_role",
    }
)
