"""the application's own session fills what is missing

Revision ID: f3c
Revises: f2b
Create Date: 2024-02-03 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa
from app import Visitor, db


# revision identifiers, used by Alembic.
revision = 'f3c'
down_revision = 'f2b'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column('visitor', sa.Column('greeting', sa.Text(), nullable=True))
    op.execute("UPDATE visitor SET greeting = 'Hello ' || name")
    for visitor in db.session.query(Visitor).all():
        visitor.greeting = 'Dear ' + visitor.name
    db.session.commit()


def downgrade():
    op.drop_column('visitor', 'greeting')
