"""Run a statement that has no online form when nobody needs what it locks."""

from safemigrate.model import Remedy
from safemigrate.recipes.contract import LOCK_TIMEOUT
from safemigrate.recipes.rendering import alembic_execute, autocommit
from safemigrate.sql import quote_literal

__all__ = ["run_in_quiet_hour"]


def run_in_quiet_hour(
    sql: str,
    rule: str,
    *,
    advice: str,
    reason: str,
    when: str = "when nobody needs it",
    is_outside: bool = False,
) -> Remedy:
    """Return the statement, without its semicolon, behind a short lock_timeout and an ignore.

    `reason`: what the ignore of `rule` says. `when`: what must be true first.
    `is_outside`: the server takes it outside a transaction only.
    """
    timeout = quote_literal(LOCK_TIMEOUT)
    ignore = f"safemigrate: ignore[{rule}] {reason}"
    local = "" if is_outside else "LOCAL "
    calls = [
        alembic_execute(f"SET {local}lock_timeout = {timeout}"),
        f"# {ignore}\n{alembic_execute(sql)}",
    ]
    if is_outside:
        calls.append(alembic_execute("RESET lock_timeout"))
    code = autocommit(*calls) if is_outside else "\n".join(calls)
    return Remedy(
        advice=advice,
        sql=(
            f"-- {when}:\nSET lock_timeout = {timeout};\n-- {ignore}\n{sql};\nRESET lock_timeout;"
        ),
        alembic=f"# {when}:\n{code}",
    )
