"""Extensions that only a superuser can create."""

from collections.abc import Iterator

from safemigrate.model import Confidence, CreateExtension, Finding, Severity
from safemigrate.recipes import guard_extension
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["untrusted_extension"]

# "trusted = true" in the control files of 14 to 18.
_TRUSTED = frozenset(
    (
        "bool_plperl", "btree_gin", "btree_gist", "citext", "cube", "dict_int", "fuzzystrmatch",
        "hstore", "intarray", "isn", "jsonb_plperl", "lo", "ltree", "pg_trgm", "pgcrypto",
        "plperl", "plpgsql", "pltcl", "seg", "tablefunc", "tcn", "tsm_system_rows",
        "tsm_system_time", "unaccent", "uuid-ossp",
    )
)  # fmt: skip
# The others that come with 14 to 18.
_SUPERUSERS = frozenset(
    (
        "adminpack", "amcheck", "autoinc", "bloom", "bool_plperlu", "dblink", "dict_xsyn",
        "earthdistance", "file_fdw", "hstore_plperl", "hstore_plperlu", "hstore_plpython3u",
        "insert_username", "intagg", "jsonb_plperlu", "jsonb_plpython3u", "ltree_plpython3u",
        "moddatetime", "old_snapshot", "pageinspect", "pg_buffercache", "pg_freespacemap",
        "pg_logicalinspect", "pg_prewarm", "pg_stat_statements", "pg_surgery", "pg_visibility",
        "pg_walinspect", "pgrowlocks", "pgstattuple", "plperlu", "plpython3u", "pltclu",
        "postgres_fdw", "refint", "sslinfo", "xml2",
    )
)  # fmt: skip


@rule(
    family=Family.SECURITY,
    severity=Severity.WARNING,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def untrusted_extension(context: Context) -> Iterator[Finding]:
    """An extension that is not trusted can be created by a superuser only.

    ## What it does

    Finds `CREATE EXTENSION` without `IF NOT EXISTS` of one that is not among the trusted ones that
    come with PostgreSQL. An opinion, and off until the project selects it.

    ## Why is this unsafe?

    The role that migrates should be no superuser, and then the statement fails. As one, it runs
    every other mistake of a migration with all rights.

    ## Example

    ```sql
    CREATE EXTENSION postgres_fdw;
    ```

    ## Use instead

    Let whoever runs the server create it beforehand; then `IF NOT EXISTS` finds it, and asks for no
    right.

    ```sql
    CREATE EXTENSION IF NOT EXISTS postgres_fdw;
    ```

    ```python
    op.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
    ```

    ## When it is safe

    On a managed service that lets other roles create it. One that does not come with PostgreSQL
    may be trusted all the same: such a finding has medium confidence, the others high.

    ## References

    - PostgreSQL manual, "Packaging Related Objects into an Extension", trusted
    - PostgreSQL manual, "CREATE EXTENSION"
    """
    for event, action in context.events(CreateExtension):
        if action.takes_existing or action.name in _TRUSTED:
            continue
        yield context.finding(
            event,
            f'only a superuser can create extension "{action.name}"',
            why="the role that migrates should be none, and then the statement fails",
            remedy=guard_extension(event.statement.sql),
            confidence=Confidence.HIGH if action.name in _SUPERUSERS else Confidence.MEDIUM,
        )
