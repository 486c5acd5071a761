"""A revision that depends on what the application is today."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.model import Confidence, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["application_import"]


@rule(family=Family.HYGIENE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def application_import(context: Context) -> Iterator[Finding]:
    """A revision that imports the application breaks when the application changes.

    ## What it does

    Finds imports of modules that are the project's own: relative ones, and those that Python finds
    neither in itself nor among the installed packages. An import for type checkers is none.
    A module that Python does not find at all may be of a library that is not installed where the
    revision is judged; then it is an info, of low confidence.

    ## Why is this unsafe?

    A revision is run again for years: on a new laptop, in every test run, for a restored backup.
    Models change meanwhile. The revision then names columns that are not there yet or no more, or
    the import itself fails, and Alembic, which imports all revisions, runs none of them.

    ## Example

    ```python
    def upgrade() -> None:
        from application.models import Recipe

        op.bulk_insert(Recipe.__table__, [{"id": 1, "name": "soup"}])
    ```

    ## Use instead

    Write down in the revision what it needs of the table.

    ```python
    def upgrade() -> None:
        recipe = sa.table("recipe", sa.column("id", sa.BigInteger), sa.column("name", sa.Text))
        op.bulk_insert(recipe, [{"id": 1, "name": "soup"}])
    ```

    ## When it is safe

    For helpers that are written for the revisions alone and never change what they do, whether or
    not the tables are created in the same migration. For a library that the project installs.

    ## References

    - Alembic documentation, "Operation Reference", `Operations.bulk_insert`
    """
    for each in context.passage.migration.imports:
        doubt = "" if each.is_found else "is not installed here and, unless it is a library, "
        found = context.finding_about_file(
            f'this imports "{each.module}", which {doubt}changes with the application',
            why="the revision runs again for years, and then with the application of that day",
            confidence=Confidence.HIGH if each.is_found else Confidence.LOW,
            remedy=Remedy(
                "write down in the revision what it needs, such as sa.table() with its columns"
            ),
            line=each.line,
        )
        yield found if each.is_found else replace(found, severity=Severity.INFO)
