"""one more state"""

from alembic import op
from alembic_postgresql_enum import TableReference

revision = "n3"
down_revision = "n2"


def upgrade():
    op.sync_enum_values(
        enum_schema="public",
        enum_name="ticket_state",
        new_values=["open", "done", "lost"],
        affected_columns=[
            TableReference(table_schema="public", table_name="ticket", column_name="state")
        ],
        enum_values_to_rename=[],
    )


def downgrade():
    op.sync_enum_values(
        enum_schema="public",
        enum_name="ticket_state",
        new_values=["open", "done"],
        affected_columns=[
            TableReference(table_schema="public", table_name="ticket", column_name="state")
        ],
        enum_values_to_rename=[],
    )
