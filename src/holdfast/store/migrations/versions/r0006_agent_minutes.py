"""Each agent's latency and heartbeats over the last day."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "agent_minutes",
        sa.Column("agent_uid", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("rtt", sa.LargeBinary, nullable=False),
        sa.Column("heartbeats", sa.LargeBinary, nullable=False),
    )
    op.create_index("agent_minutes_by_age", "agent_minutes", ["at"])
