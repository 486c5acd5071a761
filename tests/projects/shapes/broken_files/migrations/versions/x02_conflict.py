"""left by a merge"""

from alembic import op

revision = "x02"
down_revision = "x01"


def upgrade():
<<<<<<< HEAD
    op.execute("UPDATE cake SET layers = 1 WHERE layers IS NULL")
=======
    pass
>>>>>>> feature
