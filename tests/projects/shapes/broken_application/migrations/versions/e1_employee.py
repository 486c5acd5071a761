"""employees, made from the models"""

from alembic import op

from app.models import Base, Role

revision = "e1"
down_revision = None


def upgrade():
    Base.metadata.create_all(op.get_bind())


def downgrade():
    Base.metadata.drop_all(op.get_bind())
