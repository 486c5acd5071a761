"""Partners as a kind of source.

Why: banks that send us their clients are neither brokers nor campaigns. ADD VALUE locks no table
and touches no row. The value cannot be used before its transaction has ended, so nothing here
uses it.

No command takes a value out of an enum. The downgrade makes the type anew and rewrites the one
column that has it; the table has a few dozen rows. A partner becomes a broker, the nearest there
was.

Revision ID: 0018
Revises: 0017
Create Date: 2025-07-07 09:00:00+00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0018"
down_revision: str | Sequence[str] | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("ALTER TYPE source_kind ADD VALUE 'partner' AFTER 'broker'")
    op.execute(
        """
        COMMENT ON TYPE source_kind IS
            'How a source finds investors: campaign = paid advertising; event = a fair or a talk; '
            'broker = somebody paid per investor; partner = a bank that sends us its clients; '
            'direct = they came by themselves'
        """
    )


def downgrade() -> None:
    op.execute("ALTER TYPE source_kind RENAME TO source_kind_with_partner")
    op.execute("CREATE TYPE source_kind AS ENUM ('campaign', 'event', 'broker', 'direct')")
    # An enum cannot lose a value, so the column has to move to a new type.
    # safemigrate: accept[keeps-rows] a partner becomes a broker, as told above
    # safemigrate: ignore[column-type-rewrite] a few hundred rows are rewritten in milliseconds
    op.execute(
        """
        ALTER TABLE investor_sources ALTER COLUMN kind TYPE source_kind
            USING (CASE kind WHEN 'partner' THEN 'broker' ELSE kind::text END)::source_kind
        """
    )
    op.execute("DROP TYPE source_kind_with_partner")
    op.execute(
        """
        COMMENT ON TYPE source_kind IS
            'How a source finds investors: campaign = paid advertising; event = a fair or a talk; '
            'broker = somebody paid per investor; direct = they came by themselves'
        """
    )
