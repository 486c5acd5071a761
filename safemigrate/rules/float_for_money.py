"""Money in a type that cannot hold a cent."""

from collections.abc import Iterator

from safemigrate.model import Confidence, Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, names_money, new_types, rule

__all__ = ["float_for_money"]


@rule(family=Family.TYPES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def float_for_money(context: Context) -> Iterator[Finding]:
    """A floating-point amount of money is a little off from the first sum on.

    ## What it does

    Finds columns of type `real` or `double precision`, and arrays of them, whose name says money,
    in new tables, new columns and changes of type. One word of the name is enough, in snake_case or
    camelCase: amount, balance, bonus, charge, cost, credit, debit, deposit, discount, dividend,
    donation, earning, expense, fare, fee, fine, income, interest, invoice, margin, money, paid,
    payment, payout, penalty, premium, price, principal, profit, rebate, refund, revenue, salary,
    subtotal, surcharge, tax, tip, toll, total, turnover, vat, wage.
    Not with one of these beside it, which make it something else: altitude, ampere, angle, bps,
    byte, calorie, celsius, cl, cm, code, coefficient, coordinate, count, day, distance, dl,
    duration, elevation, factor, fraction, gb, gram, gwh, height, hour, id, joule, kb, kcal, kg,
    kilogram, kilometer, kilometre, km, kw, kwh, lat, latitude, length, liter, litre, lng, lon,
    longitude, mb, mg, minute, ml, mm, ms, multiplier, mw, mwh, number, pct, percent, percentage,
    pressure, probability, quantity, radius, rank, rate, ratio, score, second, speed, tb,
    temperature, volt, volume, watt, weight, wh, width.

    ## Why is this unsafe?

    Binary fractions cannot hold 0.10: ten of them make 0.9999999999999999.
    Sums depend on the order of the rows, equal amounts compare as unequal, and a `real` holds six
    digits, so that 1234567.89 is stored as 1234567.9.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN price double precision;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN price numeric(19, 4);
    ```

    ```python
    op.add_column("recipe", sa.Column("price", sa.Numeric(19, 4)))
    ```

    ## When it is safe

    For estimates and statistics that nobody adds up to a bill.

    ## References

    - PostgreSQL manual, "Numeric Types", Floating-Point Types
    """
    for new in new_types(context):
        if new.type.name in {"real", "double precision"} and names_money(new.column):
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" keeps money as {new.type}',
                why="binary fractions cannot hold 0.10, so sums are off and equal amounts differ",
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
