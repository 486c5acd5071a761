"""A domain that is restricted by a look at every table that uses it."""

from collections.abc import Iterator

from safemigrate.model import AlterDomain, Catalog, Confidence, DomainChange, Finding, Severity
from safemigrate.recipes import restrict_domain_unread
from safemigrate.rulekit import Context, Family, join_words, rule

__all__ = ["domain_constraint_scan"]

_WORDS = {
    DomainChange.ADD_CHECK: "adding a CHECK to",
    DomainChange.SET_NOT_NULL: "setting NOT NULL on",
    DomainChange.VALIDATE: "validating a constraint of",
}


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def domain_constraint_scan(context: Context) -> Iterator[Finding]:
    """Restricting a domain reads every table that uses it while all writes there wait.

    ## What it does

    Finds `ALTER DOMAIN … ADD CONSTRAINT … CHECK` without `NOT VALID`, `SET NOT NULL`, and
    `VALIDATE CONSTRAINT`, where a table that was there before the migration has the domain.

    ## Why is this unsafe?

    Every table with a column of the domain is read from end to end under SHARE, which is held until
    the transaction ends: INSERT, UPDATE, DELETE and MERGE wait on all of them.
    A later `VALIDATE CONSTRAINT` takes the same lock, other than the one of `ALTER TABLE`.

    ## Example

    ```sql
    ALTER DOMAIN email ADD CONSTRAINT email_check CHECK (VALUE LIKE '%@%');
    ```

    ## Use instead

    `NOT VALID` tests every value that comes in, and reads nothing. Repair the old rows, and leave
    it so, or validate it when writers can wait.

    ```sql
    ALTER DOMAIN email ADD CONSTRAINT email_check CHECK (VALUE LIKE '%@%') NOT VALID;
    ```

    ```python
    op.execute(
        "ALTER DOMAIN email ADD CONSTRAINT email_check CHECK (VALUE LIKE '%@%') NOT VALID"
    )
    ```

    ## When it is safe

    Where no table has the domain, or the same migration creates those that do.
    Where the history may not show every table, the finding has low confidence.

    ## References

    - PostgreSQL manual, "ALTER DOMAIN", Notes
    - src/backend/commands/typecmds.c, `get_rels_with_domain`
    """
    for event, action in context.events(AlterDomain):
        if action.change not in _WORDS or action.is_not_valid:
            continue
        tables = event.facts.scans
        if not tables and _knows(event.before, action):
            continue
        found = join_words([str(name) for name in tables]) if tables else "every table that has it"
        what = f"all of {found}" if tables else found
        domain = event.before.resolve(action.domain)
        yield context.finding(
            event,
            f'{_WORDS[action.change]} domain "{domain}" reads {what} while writes wait',
            why=(
                f"SHARE on {found} is held while every row is tested, and until the transaction "
                "ends: INSERT, UPDATE, DELETE and MERGE wait"
            ),
            remedy=restrict_domain_unread(action, context.rule),
            confidence=None if tables else Confidence.LOW,
        )


def _knows(catalog: Catalog, action: AlterDomain) -> bool:
    """Return whether the history shows every table that may have the domain.

    One that it makes has no columns but those that it shows.
    """
    return catalog.is_complete or catalog.resolve(action.domain) in catalog.domains
