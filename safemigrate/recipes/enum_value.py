"""Labels of enums."""

from safemigrate.model import AddEnumValue, QualifiedName, Remedy, RenameEnumValue
from safemigrate.recipes.rendering import alembic_execute, autocommit
from safemigrate.recipes.steps import Step, write_steps
from safemigrate.sql import quote_literal, quote_name

__all__ = ["add_value_apart", "add_value_beside", "place_value"]


def add_value_beside(action: RenameEnumValue) -> Remedy:
    """Return how to add the new label next to the old one, which stays."""
    sql = _add_value(action.type, action.new_label, f" AFTER {quote_literal(action.label)}")
    return Remedy(
        "add the new label beside the old one, teach the code both, and change the rows once every "
        "release knows it",
        sql=f"{sql};",
        alembic=alembic_execute(sql),
    )


def add_value_apart(enum: QualifiedName, label: str, user: str) -> Remedy:
    """Return how to commit the new label before the statement `user` uses it."""
    advice = "commit the new label first: in the revision before, or in an autocommit block"
    add = _add_value(enum, label, "")
    steps = [Step(f"{add};", autocommit(alembic_execute(add)))]
    if "$1" not in user:
        steps.append(Step(f"{user};", alembic_execute(user)))
    return write_steps(advice, steps)


def place_value(action: AddEnumValue, last: str) -> Remedy:
    """Return how to say that the new label comes behind the last one there is."""
    sql = _add_value(action.type, action.label, f" AFTER {quote_literal(last)}")
    return Remedy("say where it belongs", sql=f"{sql};", alembic=alembic_execute(sql))


def _add_value(enum: QualifiedName, label: str, place: str) -> str:
    return f"ALTER TYPE {quote_name(enum)} ADD VALUE IF NOT EXISTS {quote_literal(label)}{place}"
