"""roles by number"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session

from app.models import Employee, Role

revision = "e2"
down_revision = "e1"


def upgrade():
    op.add_column("employee", sa.Column("rank", sa.Integer(), nullable=True))
    session = Session(bind=op.get_bind())
    session.execute(
        sa.update(Employee).where(Employee.role == Role.BAKER).values(name=sa.func.upper(Employee.name))
    )
    session.commit()


def downgrade():
    op.drop_column("employee", "rank")
