"""Row security with a policy, so that somebody sees rows."""

from safemigrate.model import CreatePolicy, DropPolicy, Remedy, SetRowSecurity
from safemigrate.recipes.contract import LOCK_TIMEOUT
from safemigrate.recipes.rendering import alembic_execute
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = ["enable_for_policy", "enable_with_policy", "replace_policy"]


def enable_with_policy(action: SetRowSecurity, rule: str) -> Remedy:
    """Return how to enable row security with a first policy that changes nothing.

    `rule`: the one that finds fault with such an open policy.
    """
    table, name = quote_name(action.table), quote_identifier(f"{action.table.name}_all")
    ignore = f"safemigrate: ignore[{rule}] as before, until a policy says who sees which rows"
    timeout = f"SET LOCAL lock_timeout = {quote_literal(LOCK_TIMEOUT)}"
    policy = f"CREATE POLICY {name} ON {table} USING (true)"
    enable = f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    calls = map(alembic_execute, (timeout, policy, enable))
    first, second, third = calls
    return Remedy(
        advice="create a policy in the same transaction: one that leaves all as it was, or those "
        "that say who sees which rows",
        sql=f"BEGIN;\n{timeout};\n-- {ignore}\n{policy};\n{enable};\nCOMMIT;",
        alembic=f"{first}\n# {ignore}\n{second}\n{third}",
    )


def replace_policy(action: DropPolicy) -> Remedy:
    """Return how to put another policy in the place of the last one."""
    table, name = quote_name(action.table), quote_identifier(action.name)
    new = quote_identifier(f"{action.table.name}_nobody")
    hint = "in place of false: who sees which rows"
    create = f"CREATE POLICY {new} ON {table} USING (false)"
    drop = f"DROP POLICY {name} ON {table}"
    return Remedy(
        advice="create the policy that takes its place in the same transaction; to open the table "
        "to all, disable its row security instead",
        sql=f"BEGIN;\n-- {hint}\n{create};\n{drop};\nCOMMIT;",
        alembic=f"# {hint}\n{alembic_execute(create)}\n{alembic_execute(drop)}",
    )


def enable_for_policy(action: CreatePolicy, sql: str) -> Remedy:
    """Return how to put the policy, made by the statement `sql`, in force."""
    timeout = f"SET LOCAL lock_timeout = {quote_literal(LOCK_TIMEOUT)}"
    enable = f"ALTER TABLE {quote_name(action.table)} ENABLE ROW LEVEL SECURITY"
    statements = (timeout, sql, enable)
    return Remedy(
        advice="enable row security in the same transaction",
        sql="BEGIN;\n" + "".join(f"{statement};\n" for statement in statements) + "COMMIT;",
        alembic="\n".join(map(alembic_execute, statements)),
    )
