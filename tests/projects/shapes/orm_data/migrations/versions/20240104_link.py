"""link members and plans by hand"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import sessionmaker

revision = "m4"
down_revision = "m3"

member = sa.table(
    "member", sa.column("id", sa.BigInteger), sa.column("plan", sa.Text), sa.column("plan_id")
)
plan = sa.table("plan", sa.column("id", sa.BigInteger), sa.column("name", sa.Text))

SessionLocal = sessionmaker()


def upgrade():
    session = SessionLocal(bind=op.get_bind())
    for row in session.execute(sa.select(plan.c.id, plan.c.name)):
        session.execute(
            member.update().where(member.c.plan == row.name).values(plan_id=row.id)
        )
    session.commit()
    op.create_foreign_key("fk_member_plan", "member", "plan", ["plan_id"], ["id"])
    op.drop_column("member", "plan")


def downgrade():
    op.add_column("member", sa.Column("plan", sa.Text(), nullable=True))
    op.drop_constraint("fk_member_plan", "member", type_="foreignkey")
