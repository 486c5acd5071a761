"""Constraints whose name PostgreSQL chooses."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule, written_constraints

__all__ = ["unnamed_constraint"]


@rule(
    family=Family.NAMING,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def unnamed_constraint(context: Context) -> Iterator[Finding]:
    """A constraint without a name gets one that depends on what else is there.

    ## What it does

    Finds primary keys, unique keys, foreign keys, CHECK and exclusion constraints that are written
    without a name, in new tables, at new columns and by themselves.
    An opinion, and off until the project selects it.

    ## Why is this unsafe?

    PostgreSQL makes the name of the table and the columns, and puts a number behind it where it is
    taken: on two databases with another past, one constraint has two names. The migration that
    drops it later, or the code that knows it by name, is wrong on one of them.

    ## Example

    ```sql
    CREATE TABLE dish (id bigint CONSTRAINT dish_pkey PRIMARY KEY, heat integer CHECK (heat > 0));
    ```

    ## Use instead

    ```sql
    CREATE TABLE dish (
        id bigint CONSTRAINT dish_pkey PRIMARY KEY,
        heat integer CONSTRAINT dish_heat_check CHECK (heat > 0)
    );
    ```

    ```python
    op.create_table(
        "dish",
        sa.Column("id", sa.BigInteger()),
        sa.Column("heat", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="dish_pkey"),
        sa.CheckConstraint("heat > 0", name="dish_heat_check"),
    )
    ```

    A `naming_convention` of the project's metadata names them all.

    ## When it is safe

    For a constraint that nobody will ever change or name.

    ## References

    - PostgreSQL manual, "CREATE TABLE", CONSTRAINT
    - Alembic manual, "The Importance of Naming Constraints"
    """
    for new in written_constraints(context):
        if not new.is_named and new.definition.kind is not ConstraintKind.NOT_NULL:
            yield context.finding(
                new.event,
                f'{new.definition.kind.value} of "{new.table}" has no name of its own',
                why=f'PostgreSQL calls it "{new.name}" here, and another way where that is taken',
                remedy=Remedy(advice=f'write its name: CONSTRAINT "{new.name}"'),
                offset=new.offset,
            )
