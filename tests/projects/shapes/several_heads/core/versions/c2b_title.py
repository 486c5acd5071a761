"""one recipe a title"""

from alembic import op

revision = "c2b"
down_revision = "c1"
branch_labels = None
depends_on = None


def upgrade():
    op.create_unique_constraint("uq_recipe_title", "recipe", ["title"])


def downgrade():
    op.drop_constraint("uq_recipe_title", "recipe", type_="unique")
