"""The first tables: agents and their labels, signals, tokens, audit, attempts.

Written out and never changed: a later change of `holdfast.store.tables` is a later migration.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None
branch_labels: Final = None
depends_on: Final = None

_NAME: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SEQ: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATUS_RULE: Final = (
    "CASE WHEN admission = 'revoked' THEN 'revoked' "
    "WHEN admission = 'pending' THEN 'pending' "
    "WHEN condition = 'duplicate' THEN 'duplicate' "
    "WHEN condition = 'flapping' THEN 'flapping' "
    "WHEN condition = 'degraded' AND presence = 'online' THEN 'degraded' "
    "ELSE presence END"
)


def upgrade() -> None:
    """Create everything."""
    _create_agents()
    _create_agent_labels()
    _create_signals()
    _create_api_tokens()
    _create_enrolment_tokens()
    _create_audit()
    _create_nonces()
    _create_attempts()
    _forbid_changes_of_the_audit_log()


def _create_agents() -> None:
    op.create_table(
        "agents",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("agent_uid", _NAME, nullable=False),
        sa.Column("org_id", _NAME, nullable=False),
        sa.Column("host_id", _NAME, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("machine_id_hash", sa.Text),
        sa.Column("agent_version", _NAME, nullable=False, server_default=""),
        sa.Column("capabilities", sa.Text),
        sa.Column("platform", sa.Text),
        sa.Column("platform_name", _NAME, nullable=False, server_default=""),
        sa.Column("network", sa.Text),
        sa.Column("labels", sa.Text, nullable=False, server_default="{}"),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("registered_at", sa.Double),
        sa.Column("last_seen", sa.Double, nullable=False, server_default="0"),
        sa.Column("connected_since", sa.Double),
        sa.Column("remote_address", sa.Text),
        sa.Column("clock_offset_s", sa.Double),
        sa.Column("heartbeat_interval_s", sa.Double),
        sa.Column("instance", sa.Text),
        sa.Column("boot_id", sa.Text),
        sa.Column("expected", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("admission", sa.Text, nullable=False),
        sa.Column("admission_since", sa.Double, nullable=False),
        sa.Column("admission_why", sa.Text, nullable=False),
        sa.Column("presence", sa.Text, nullable=False),
        sa.Column("presence_since", sa.Double, nullable=False),
        sa.Column("presence_why", sa.Text, nullable=False),
        sa.Column("condition", sa.Text),
        sa.Column("condition_since", sa.Double),
        sa.Column("condition_why", sa.Text),
        sa.Column("status", _NAME, sa.Computed(_STATUS_RULE, persisted=True), nullable=False),
        sa.Column("node", sa.Text),
        sa.Column("attempt", sa.Text),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sqlite_autoincrement=True,
    )
    op.create_index("agents_by_uid", "agents", ["agent_uid"], unique=True)
    op.create_index("agents_by_host", "agents", ["host_id", "seq"])
    op.create_index("agents_by_org", "agents", ["org_id", "seq"])
    op.create_index("agents_by_org_and_status", "agents", ["org_id", "status", "seq"])
    op.create_index("agents_by_status", "agents", ["status", "seq"])
    op.create_index("agents_by_version", "agents", ["agent_version", "seq"])
    op.create_index("agents_by_platform", "agents", ["platform_name", "seq"])
    op.create_index("agents_by_last_seen", "agents", ["last_seen", "seq"])
    op.create_index(
        "agents_online_by_node",
        "agents",
        ["node"],
        sqlite_where=sa.text("presence = 'online'"),
        postgresql_where=sa.text("presence = 'online'"),
    )


def _create_agent_labels() -> None:
    op.create_table(
        "agent_labels",
        sa.Column("key", _NAME, primary_key=True),
        sa.Column("value", _NAME, primary_key=True),
        sa.Column("agent_seq", _SEQ, sa.ForeignKey("agents.seq", ondelete="CASCADE"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("agent_labels_by_agent", "agent_labels", ["agent_seq"])


def _create_signals() -> None:
    op.create_table(
        "signals",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("signal", sa.Text, nullable=False),
    )
    op.create_index("signals_by_time", "signals", ["at"])


def _create_api_tokens() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("last_used_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
    )


def _create_enrolment_tokens() -> None:
    op.create_table(
        "enrolment_tokens",
        sa.Column("token_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.Text, nullable=False, unique=True),
        sa.Column("org_id", sa.Text),
        sa.Column("labels", sa.Text, nullable=False, server_default="{}"),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("max_uses", sa.Integer),
        sa.Column("uses", sa.Integer, nullable=False, server_default="0"),
        sa.Column("revoked_at", sa.Double),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", _NAME, nullable=False),
        sa.Column("action", _NAME, nullable=False),
        sa.Column("subject", _NAME, nullable=False),
        sa.Column("detail", sa.Text, nullable=False, server_default="{}"),
    )
    op.create_index("audit_by_subject", "audit", ["subject", "seq"])
    op.create_index("audit_by_actor", "audit", ["actor", "seq"])
    op.create_index("audit_by_action", "audit", ["action", "seq"])


def _create_nonces() -> None:
    op.create_table(
        "nonces",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("expires_at", sa.Double, nullable=False),
    )
    op.create_index("nonces_by_expiry", "nonces", ["expires_at"])


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("seq", _SEQ, primary_key=True, autoincrement=True),
        sa.Column("attempt", _NAME, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("identity", _NAME, nullable=False),
        sa.Column("started_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("remote_address", _NAME),
        sa.Column("user_agent", sa.Text),
        sa.Column("claimed_org_id", sa.Text),
        sa.Column("claimed_host_id", _NAME),
        sa.Column("claimed_agent_uid", _NAME),
        sa.Column("claimed_fingerprint", sa.Text),
        sa.Column("agent_uid", _NAME),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("ended_how", sa.Text),
        sa.Column("close_code", sa.Integer),
        sa.Column("close_reason", sa.Text),
        sa.Column("codes", sa.Text, nullable=False, server_default=""),
        sa.Column("timeline", sa.Text, nullable=False, server_default="[]"),
        sa.Column("bytes_in", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("bytes_out", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("messages_in", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("profile", sa.Text),
    )
    op.create_index("attempts_by_id", "attempts", ["attempt"], unique=True)
    op.create_index("attempts_by_time", "attempts", ["started_at", "seq"])
    op.create_index("attempts_by_identity", "attempts", ["identity", "started_at"])
    op.create_index("attempts_by_host", "attempts", ["claimed_host_id", "started_at"])
    op.create_index("attempts_by_agent", "attempts", ["agent_uid", "started_at"])


def _forbid_changes_of_the_audit_log() -> None:
    """An audit record is written once: the database itself refuses to alter or remove it."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_refuses_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
