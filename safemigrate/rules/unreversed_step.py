"""A way back that goes only part of the way."""

from collections.abc import Iterator

from safemigrate.model import Confidence, DowngradeKind, Finding, Passage, Severity
from safemigrate.rulekit import (
    DOWNGRADE_ONLY,
    Context,
    Family,
    SchemaPart,
    join_words,
    list_differing_parts,
    rule,
)

__all__ = ["unreversed_step"]


@rule(family=Family.HYGIENE, severity=Severity.WARNING, since="0.1.0", directions=DOWNGRADE_ONLY)
def unreversed_step(context: Context) -> Iterator[Finding]:
    """A downgrade that leaves a part of its upgrade makes the next upgrade fail.

    ## What it does

    Finds downgrades after which something is there that the upgrade made, or something is gone that
    the upgrade dropped: tables, columns, constraints, indexes, views, types and functions.
    `safemigrate verify` compares all of it on a server.

    ## Why is this unsafe?

    `alembic downgrade` reports success and moves the version back. The next upgrade then fails on
    what already exists, and the release that is put back misses what it needs.
    The types of enums are forgotten most: dropping the table leaves them.

    ## Example

    ```python
    def upgrade() -> None:
        op.add_column("recipe", sa.Column("origin", sa.Text()))
        op.create_index("recipe_origin_idx", "recipe", ["name"])


    def downgrade() -> None:
        op.drop_column("recipe", "origin")
    ```

    ## Use instead

    ```python
    def upgrade() -> None:
        op.add_column("recipe", sa.Column("origin", sa.Text()))
        op.create_index("recipe_origin_idx", "recipe", ["name"])


    def downgrade() -> None:
        op.drop_index("recipe_origin_idx", "recipe")
        op.drop_column("recipe", "origin")
    ```

    Where there is no way back, say so: `raise NotImplementedError`.

    ## When it is safe

    For what an older release does not mind, such as a label of an enum, which is not found.
    It is no matter whether the table is created in the same migration.

    ## References

    - Alembic documentation, "Tutorial", Downgrading
    """
    passage = context.passage
    if passage.origin is None or passage.migration.downgrade_kind is not DowngradeKind.PRESENT:
        return
    if passage.migration.unjudged:
        # What it asked the database first may have decided what else it does.
        return
    before, between, after = list_differing_parts(passage.origin, passage.before, passage.after)
    left = _name((between - before) & after)
    gone = _name((before - between) - after)
    parts = [f"leaves {join_words(left)}"] if left else []
    parts += [f"does not bring back {join_words(gone)}"] if gone else []
    if parts:
        yield context.finding_about_file(
            f"the downgrade {' and '.join(parts)}",
            why="the downgrade reports success; the next upgrade fails on what is there, or "
            "the release that is put back misses what is gone",
            confidence=_confidence(passage),
        )


def _name(parts: frozenset[SchemaPart]) -> list[str]:
    """Return the parts in words, without those of tables that are among them themselves."""
    whole = {part.of for part in parts if not part.name}
    return [str(part) for part in sorted(parts) if not part.name or part.of not in whole]


def _confidence(passage: Passage) -> Confidence:
    """Return how sure it is, which is less where something may have run unseen."""
    is_open = any(
        item.syntax_error or any(event.gap for event in item.events) for item in passage.statements
    )
    return Confidence.LOW if is_open else Confidence.HIGH
