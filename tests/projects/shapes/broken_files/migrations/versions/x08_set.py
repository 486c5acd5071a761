"""in no order"""

import sqlalchemy as sa
from alembic import op

revision = "x08"
down_revision = "x07"


def upgrade():
    for number in {1, 2}:
        op.add_column("cake", sa.Column(f"topping_{number}", sa.Text(), nullable=True))


def downgrade():
    for number in {1, 2}:
        op.drop_column("cake", f"topping_{number}")
