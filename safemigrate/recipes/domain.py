"""Restrict a domain without a look at the rows that are there."""

from safemigrate.model import AlterDomain, DomainChange, Remedy
from safemigrate.recipes.quiet_hour import run_in_quiet_hour
from safemigrate.recipes.steps import sql_step, write_steps
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["restrict_domain_unread"]


def restrict_domain_unread(action: AlterDomain, rule: str) -> Remedy:
    """Return the restriction as a CHECK that is NOT VALID: new values are tested from then on."""
    domain = quote_name(action.domain)
    if action.change is DomainChange.VALIDATE:
        constraint = quote_identifier(action.constraint or "")
        return run_in_quiet_hour(
            f"ALTER DOMAIN {domain} VALIDATE CONSTRAINT {constraint}",
            rule,
            advice="leave it NOT VALID, which tests every new value, or validate it when "
            "writers can wait",
            reason="writers can wait at this time",
            when="when writers can wait",
        )
    name = action.constraint or f"{action.domain.name}_check"
    condition = "VALUE IS NOT NULL" if action.expression is None else action.expression.sql
    return write_steps(
        "add it NOT VALID: every new value is tested, and no table is read",
        [
            sql_step(
                f"ALTER DOMAIN {domain} ADD CONSTRAINT {quote_identifier(name)}"
                f" CHECK ({condition}) NOT VALID"
            )
        ],
    )
