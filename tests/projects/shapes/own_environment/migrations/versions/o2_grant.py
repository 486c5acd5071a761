"""who may read, as env.py says"""

from alembic import context, op

revision = "o2"
down_revision = "o1"


def upgrade(tables):
    role = op.get_context().opts["role_name"]
    op.execute(f'GRANT SELECT ON {tables["customer"]} TO "{role}"')


def downgrade(tables):
    role = context.get_context().opts["role_name"]
    op.execute(f'REVOKE SELECT ON {tables["customer"]} FROM "{role}"')
