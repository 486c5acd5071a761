"""Foreign keys whose column is not of the key's type."""

from collections.abc import Iterator

from safemigrate.facts.references import KeyFit
from safemigrate.model import AddConstraint, ColumnDefinition, Finding, Remedy, Severity
from safemigrate.recipes import declare_column
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    ReferencePair,
    WrittenConstraint,
    reference_pairs,
    rule,
    written_constraints,
)

__all__ = ["mismatched_foreign_key_type"]

_WHAT = {
    KeyFit.NARROWER: ("holds fewer numbers than", "INSERT fails for keys above its last number"),
    KeyFit.CAST: ("has to be converted to", "every check and every join converts each value"),
    KeyFit.REFUSED: ("cannot be compared with", "the server refuses the foreign key"),
}


@rule(family=Family.DESIGN, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def mismatched_foreign_key_type(context: Context) -> Iterator[Finding]:
    """A foreign key of another type than its key runs out early, is slow, or cannot be made.

    ## What it does

    Finds foreign keys, of new tables and added to others, whose column is a smaller integer than
    the key, is of a type that has to be converted, or of one that the server cannot compare at all.
    A wider integer than the key, and `varchar` beside `text`, do no harm and are left alone.
    A column that a later migration of the history puts right is not found.

    ## Why is this unsafe?

    An `integer` that references a `bigint` key fails at number 2,147,483,648, long after anybody
    remembers it. A `bigint` that references `numeric` is converted in each check and join.
    Between types without `=`, such as `text` and `bigint`, the statement fails.

    ## Example

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, recipe_id integer REFERENCES recipe (id));
    ```

    ## Use instead

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, recipe_id bigint REFERENCES recipe (id));
    ```

    ```python
    op.create_table(
        "dish",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("recipe_id", sa.BigInteger(), sa.ForeignKey("recipe.id")),
    )
    ```

    ## When it is safe

    Where the key's numbers stay small for ever.

    ## References

    - PostgreSQL manual, "Constraints", Foreign Keys
    - PostgreSQL manual, "Index Methods and Operator Classes"
    """
    for new in written_constraints(context):
        pairs = reference_pairs(new, context.passage.after)
        later = {pair.column: pair.fit for pair in reference_pairs(new, context.end)}
        for pair in pairs:
            if pair.fit not in _WHAT or later.get(pair.column, pair.fit) is KeyFit.GOOD:
                continue
            does, harm = _WHAT[pair.fit]
            yield context.finding(
                new.event,
                f'"{pair.column}" of "{new.table}" is {pair.type} and {does} the key it '
                f"references, which is {pair.key}",
                why=f"of foreign key {new.name}: {harm}",
                remedy=_advise(new, pair),
                offset=new.offset,
            )


def _advise(new: WrittenConstraint, pair: ReferencePair) -> Remedy:
    if isinstance(new.event.action, AddConstraint):
        return Remedy(advice=f"make the column {pair.key} first, by a second column in steps")
    return declare_column(f"declare it {pair.key}", ColumnDefinition(pair.column, pair.key))
