"""Take from a column what running code relies on, once none does."""

from safemigrate.model import AlterColumnOption, DropDefault, DropNotNull, Remedy, SetDefault
from safemigrate.recipes.contract import contract
from safemigrate.recipes.rendering import alembic_call, code_string, schema_argument
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["change_attribute_later"]


def change_attribute_later(
    action: DropNotNull | DropDefault | SetDefault | AlterColumnOption, rule: str
) -> Remedy:
    """Return how to change the column a release after the last that relies on it as it is."""
    match action:
        case DropNotNull():
            change, argument = "DROP NOT NULL", "nullable=True"
        case DropDefault():
            change, argument = "DROP DEFAULT", "server_default=None"
        case SetDefault(default=default):
            change, argument = f"SET DEFAULT {default.sql}", ""
        case AlterColumnOption(option=option):
            change, argument = option.value, ""
    call = alembic_call(
        "alter_column",
        code_string(action.table.name),
        code_string(action.column),
        argument,
        schema_argument(action.table),
    )
    return contract(
        rule,
        advice="stop relying on it, deploy that everywhere, and change it in a later release",
        comment="in a release after the one that stops relying on it",
        reason="not relied on since release <version>",
        sql=(
            f"ALTER TABLE {quote_name(action.table)}"
            f" ALTER COLUMN {quote_identifier(action.column)} {change}"
        ),
        call=call if argument else "",
    )
