"""the plans that there are"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.orm import Session, declarative_base

revision = "m2"
down_revision = "m1"

Base = declarative_base()


class Plan(Base):
    __tablename__ = "plan"

    id = sa.Column(sa.BigInteger, primary_key=True)
    name = sa.Column(sa.Text, nullable=False)


def upgrade():
    op.bulk_insert(Plan.__table__, [{"id": 1, "name": "free"}, {"id": 2, "name": "gold"}])
    session = Session(bind=op.get_bind())
    session.add(Plan(id=3, name="silver"))
    session.flush()
    session.bulk_insert_mappings(Plan, [{"id": 4, "name": "bronze"}])
    session.commit()


def downgrade():
    session = Session(bind=op.get_bind())
    session.query(Plan).filter(Plan.id.in_([1, 2, 3, 4])).delete(synchronize_session=False)
    session.commit()
