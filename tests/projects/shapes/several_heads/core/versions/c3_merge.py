"""merge, and what both sides were needed for"""

from alembic import op

revision = "c3"
down_revision = ("c2a", "c2b")
branch_labels = None
depends_on = None


def upgrade():
    op.create_foreign_key("fk_recipe_author", "recipe", "author", ["author_id"], ["id"])


def downgrade():
    op.drop_constraint("fk_recipe_author", "recipe", type_="foreignkey")
