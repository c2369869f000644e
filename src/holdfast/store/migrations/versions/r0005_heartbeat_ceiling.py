"""The longest heartbeat interval that an agent's way here survives, kept apart from the one it was told."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005"
down_revision: Final = "0004"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("agents", sa.Column("heartbeat_ceiling_s", sa.Double))
