"""Money with as many digits behind the point as anybody writes."""

from collections.abc import Iterator

from safemigrate.model import Confidence, Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, names_money, new_types, rule

__all__ = ["numeric_without_scale"]


@rule(family=Family.TYPES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def numeric_without_scale(context: Context) -> Iterator[Finding]:
    """An amount of money without a scale keeps fractions of a cent that nobody can pay.

    ## What it does

    Finds columns of type `numeric` without precision and scale, and arrays of it, whose name says
    money, in new tables, new columns and changes of type.
    The words that say money are those of the rule float-for-money.

    ## Why is this unsafe?

    `numeric` alone takes every digit it is given: a third of 10 is stored with sixteen of them.
    What is shown as 3.33 is then not what is added up, and the totals of a bill do not match its
    lines. Such a row is found when an audit compares two systems that round at other places.
    Giving the column its scale later rewrites the table and rounds what is there.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN price numeric;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN price numeric(19, 4);
    ```

    ```python
    op.add_column("recipe", sa.Column("price", sa.Numeric(19, 4)))
    ```

    ## When it is safe

    Where the exact fraction is wanted, as in a price for one of a million units.

    ## References

    - PostgreSQL manual, "Numeric Types", Arbitrary Precision Numbers
    """
    for new in new_types(context):
        is_unscaled = new.type.name == "numeric" and not new.type.modifiers
        if is_unscaled and names_money(new.column):
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" keeps money without a scale',
                why="any number of digits is stored, so what is shown is not what is added up",
                remedy=use_type(
                    new.column,
                    "numeric(19, 4)",
                    "sa.Numeric(19, 4)",
                    dimensions=new.type.dimensions,
                ),
                offset=new.offset,
                # A name is a guess.
                confidence=Confidence.MEDIUM,
            )
