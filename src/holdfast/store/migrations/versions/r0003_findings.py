"""Findings, and the names under which they are found."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"
branch_labels: Final = None
depends_on: Final = None

_NAME: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SEQ: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "findings",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("id", _NAME, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("code", _NAME, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("agent_uid", _NAME),
        sa.Column("first_seen", sa.Double, nullable=False),
        sa.Column("changed_at", sa.Double, nullable=False),
        sa.Column("resolved_at", sa.Double),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("counted_by", _NAME, nullable=False),
        sa.Column("keeping", sa.Text, nullable=False),
        sa.Column("acknowledged", sa.Text),
        sa.Column("muted", sa.Text),
    )
    op.create_index("findings_by_id", "findings", ["id"], unique=True)
    op.create_index("findings_by_time", "findings", ["first_seen", "seq"])
    op.create_index("findings_by_change", "findings", ["changed_at", "seq"])
    op.create_index("findings_by_code", "findings", ["code", "first_seen"])
    op.create_index("findings_by_count", "findings", ["counted_by", "seq"])
    is_open = sa.text("resolved_at IS NULL")
    op.create_index("findings_open", "findings", ["first_seen", "seq"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "finding_names",
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("finding_id", _NAME, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("finding_names_by_finding", "finding_names", ["finding_id"])
