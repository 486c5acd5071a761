<%!
def quote(value):
    """Return the value as code, in double quotes where it holds none."""
    text = repr(value)
    return text if '"' in text or "\\" in text else text.replace("'", '"')
%>\
"""${message}

Revision ID: ${up_revision}
Revises:${" " + comma(down_revision) if down_revision else ""}
Create Date: ${create_date}
"""

from collections.abc import Sequence

% if not upgrades or "sa." in upgrades + (downgrades or ""):
import sqlalchemy as sa
% endif
from alembic import op
% if imports:
${imports}
% endif

revision: str = ${quote(up_revision)}
down_revision: str | Sequence[str] | None = ${quote(down_revision)}
branch_labels: str | Sequence[str] | None = ${quote(branch_labels)}
depends_on: str | Sequence[str] | None = ${quote(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
