"""A constraint that nobody validates."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.model import AlterDomain, DomainChange, Finding, Remedy, Severity
from safemigrate.recipes import restrict_domain_unread
from safemigrate.rulekit import (
    CONSTRAINT_WORDS,
    UPGRADE_ONLY,
    Context,
    Family,
    find_at_end,
    new_constraints,
    rule,
)

__all__ = ["unvalidated_constraint"]


@rule(family=Family.DESIGN, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def unvalidated_constraint(context: Context) -> Iterator[Finding]:
    """A constraint that stays NOT VALID promises what no old row has been tested for.

    ## What it does

    Finds constraints of tables and domains added `NOT VALID` that are still not validated when the
    whole history has run.

    ## Why is this unsafe?

    Rows that break it may be there. The planner draws nothing from it, SET NOT NULL reads the
    table as if it were not there, and an UPDATE of any other column of such a row fails.

    ## Example

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_name_check CHECK (name <> '') NOT VALID;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_name_check CHECK (name <> '') NOT VALID;
    -- in the next transaction:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_name_check;
    ```

    ```python
    op.create_check_constraint(
        "recipe_name_check", "recipe", "name <> ''", postgresql_not_valid=True
    )
    # the next revision
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_name_check")
    ```

    ## When it is safe

    Where old rows may stay as they are for good, said with a reason. Nothing is found for a
    constraint that is validated or dropped later in the history, and with `NOT ENFORCED`.

    ## References

    - PostgreSQL manual, "ALTER TABLE", VALIDATE CONSTRAINT
    """
    for new in new_constraints(context):
        if not new.definition.is_not_valid or new.event.facts.errors:
            continue
        table = find_at_end(context, new.event, new.table)
        constraint = None if table is None else table.constraints.get(new.name)
        if constraint is None or constraint.is_valid or not constraint.is_enforced:
            continue
        what = f'{CONSTRAINT_WORDS[constraint.kind]} "{new.name}" of "{new.table}"'
        yield context.finding(
            new.event,
            f"{what} is not validated by any migration",
            why=(
                "rows that break it may be there: an UPDATE of one may fail, and nothing can be "
                "concluded from the constraint"
            ),
            remedy=new.remedy,
        )
    yield from _of_domains(context)


def _of_domains(context: Context) -> Iterator[Finding]:
    for event, action in context.events(AlterDomain):
        name = event.before.resolve(action.domain)
        constraint = action.constraint or f"{name.name}_check"
        domain = context.end.domains.get(name)
        if not action.is_not_valid or domain is None or constraint not in domain.not_valid:
            continue
        yield context.finding(
            event,
            f'check "{constraint}" of domain "{name}" is not validated by any migration',
            why=(
                "values that break it may be there: an UPDATE of a row with one fails, and nothing "
                "can be concluded from the constraint"
            ),
            remedy=_validate_domain(replace(action, constraint=constraint)),
        )


def _validate_domain(action: AlterDomain) -> Remedy:
    first, then = (
        restrict_domain_unread(replace(action, change=change), "domain-constraint-scan")
        for change in (DomainChange.ADD_CHECK, DomainChange.VALIDATE)
    )
    return Remedy(
        "add it NOT VALID, and validate it in a revision of its own, in a quiet hour",
        f"{first.sql}\n{then.sql}",
        f"{first.alembic}\n{then.alembic}",
    )
