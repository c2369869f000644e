"""Findings that a shared one took up: kept for those who followed them, and left out of lists."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("findings", sa.Column("merged_into", sa.Text))
