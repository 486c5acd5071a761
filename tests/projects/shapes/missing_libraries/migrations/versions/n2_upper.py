"""a function, as the library writes it"""

from alembic import op
from alembic_utils.pg_function import PGFunction

revision = "n2"
down_revision = "n1"

public_to_upper = PGFunction(
    schema="public",
    signature="to_upper(some_text text)",
    definition="returns text as\n$$ select upper(some_text) $$ language SQL;",
)


def upgrade():
    op.create_entity(public_to_upper)


def downgrade():
    op.drop_entity(public_to_upper)
