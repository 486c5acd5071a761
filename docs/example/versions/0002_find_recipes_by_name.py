"""Find recipes by name."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_index("recipe_name_idx", "recipe", ["name"])


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index("recipe_name_idx", table_name="recipe", postgresql_concurrently=True)
