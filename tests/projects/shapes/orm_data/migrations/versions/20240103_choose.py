"""a plan for everybody, one by one"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

revision = "m3"
down_revision = "m2"


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "member"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    email: Mapped[str] = mapped_column(sa.Text)
    plan: Mapped[str | None] = mapped_column(sa.Text)


def upgrade():
    bind = op.get_bind()
    op.add_column("member", sa.Column("plan_id", sa.BigInteger(), nullable=True))
    with Session(bind=bind) as session:
        for member in session.query(Member).order_by(Member.id):
            member.plan = "gold" if member.email.endswith("@example.org") else "free"
        session.flush()
        session.execute(
            sa.update(Member).where(Member.plan.is_(None)).values(plan="free"),
            execution_options={"synchronize_session": False},
        )
        session.commit()


def downgrade():
    op.drop_column("member", "plan_id")
