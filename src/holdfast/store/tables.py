"""The tables, once for SQLite and PostgreSQL.

Texts sort by code point on both (`C` collation), times are Unix seconds, JSON is kept as the text that came: it is
shown, never searched. Columns that lists are sorted by are never null, so that a keyset cursor compares plain values.
"""

from typing import Final

import sqlalchemy as sa

HEAD_REVISION: Final = "0006"
"""The newest migration. A test holds it to what Alembic finds, so that start-up can skip Alembic when it is reached."""

metadata = sa.MetaData()

Name = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Seq = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite counts up by itself only for INTEGER

STATUS_RULE: Final = (
    "CASE WHEN admission = 'revoked' THEN 'revoked' "
    "WHEN admission = 'pending' THEN 'pending' "
    "WHEN condition = 'duplicate' THEN 'duplicate' "
    "WHEN condition = 'flapping' THEN 'flapping' "
    "WHEN condition = 'degraded' AND presence = 'online' THEN 'degraded' "
    "ELSE presence END"
)
"""`holdfast.model.derive_status` in SQL; a test holds the two together."""

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("seq", Seq, primary_key=True, autoincrement=True),  # the order of registration
    sa.Column("agent_uid", Name, nullable=False),
    sa.Column("org_id", Name, nullable=False),
    sa.Column("host_id", Name, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("machine_id_hash", sa.Text),
    sa.Column("agent_version", Name, nullable=False, server_default=""),
    sa.Column("capabilities", sa.Text),
    sa.Column("platform", sa.Text),
    sa.Column("platform_name", Name, nullable=False, server_default=""),
    sa.Column("network", sa.Text),
    sa.Column("labels", sa.Text, nullable=False, server_default="{}"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("registered_at", sa.Double),
    sa.Column("last_seen", sa.Double, nullable=False, server_default="0"),  # 0: never
    sa.Column("connected_since", sa.Double),
    sa.Column("remote_address", sa.Text),
    sa.Column("clock_offset_s", sa.Double),
    sa.Column("heartbeat_interval_s", sa.Double),
    sa.Column("heartbeat_ceiling_s", sa.Double),  # learned: quiet for longer than this does not survive its way here
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
    sa.Column("status", Name, sa.Computed(STATUS_RULE, persisted=True), nullable=False),
    sa.Column("node", sa.Text),  # the gateway that holds, or last held, the connection
    sa.Column("attempt", sa.Text),  # that connection
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    # `seq` stands last in each so that a page continues inside the index, whatever it is sorted by.
    sa.Index("agents_by_uid", "agent_uid", unique=True),
    sa.Index("agents_by_host", "host_id", "seq"),
    sa.Index("agents_by_org", "org_id", "seq"),
    sa.Index("agents_by_org_and_status", "org_id", "status", "seq"),
    sa.Index("agents_by_status", "status", "seq"),
    sa.Index("agents_by_version", "agent_version", "seq"),
    sa.Index("agents_by_platform", "platform_name", "seq"),
    sa.Index("agents_by_last_seen", "last_seen", "seq"),
    sa.Index(
        "agents_online_by_node",
        "node",
        sqlite_where=sa.text("presence = 'online'"),
        postgresql_where=sa.text("presence = 'online'"),
    ),
    sqlite_autoincrement=True,  # a number is never used twice, or a cursor could pass over a new agent
)

agent_labels = sa.Table(
    "agent_labels",
    metadata,
    sa.Column("key", Name, primary_key=True),
    sa.Column("value", Name, primary_key=True),
    sa.Column("agent_seq", Seq, sa.ForeignKey("agents.seq", ondelete="CASCADE"), primary_key=True),
    sa.Index("agent_labels_by_agent", "agent_seq"),
    sqlite_with_rowid=False,
)

signals = sa.Table(
    "signals",
    metadata,
    sa.Column("seq", Seq, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("signal", sa.Text, nullable=False),  # JSON of `holdfast.model.Signal`
    sa.Index("signals_by_time", "at"),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("token_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("secret_sha256", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double),
    sa.Column("last_used_at", sa.Double),
    sa.Column("revoked_at", sa.Double),
)

enrolment_tokens = sa.Table(
    "enrolment_tokens",
    metadata,
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

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", Seq, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("actor", Name, nullable=False),
    sa.Column("action", Name, nullable=False),
    sa.Column("subject", Name, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default="{}"),
    sa.Index("audit_by_subject", "subject", "seq"),
    sa.Index("audit_by_actor", "actor", "seq"),
    sa.Index("audit_by_action", "action", "seq"),
)

nonces = sa.Table(
    "nonces",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Index("nonces_by_expiry", "expires_at"),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("seq", Seq, primary_key=True, autoincrement=True),
    sa.Column("attempt", Name, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("identity", Name, nullable=False),  # `Attempt.identity`
    sa.Column("started_at", sa.Double, nullable=False),
    sa.Column("ended_at", sa.Double),
    sa.Column("remote_address", Name),
    sa.Column("user_agent", sa.Text),
    sa.Column("claimed_org_id", sa.Text),
    sa.Column("claimed_host_id", Name),
    sa.Column("claimed_agent_uid", Name),
    sa.Column("claimed_fingerprint", sa.Text),
    sa.Column("agent_uid", Name),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("ended_how", sa.Text),
    sa.Column("close_code", sa.Integer),
    sa.Column("close_reason", sa.Text),
    sa.Column("codes", sa.Text, nullable=False, server_default=""),  # each between spaces: " A B "
    sa.Column("timeline", sa.Text, nullable=False, server_default="[]"),
    sa.Column("bytes_in", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("bytes_out", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("messages_in", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("profile", sa.Text),
    sa.Index("attempts_by_id", "attempt", unique=True),
    sa.Index("attempts_by_time", "started_at", "seq"),
    sa.Index("attempts_by_identity", "identity", "started_at"),
    sa.Index("attempts_by_host", "claimed_host_id", "started_at"),
    sa.Index("attempts_by_agent", "agent_uid", "started_at"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("secret_sha256", sa.Text, primary_key=True),
    sa.Column("token_id", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Index("sessions_by_expiry", "expires_at"),
)

agent_minutes = sa.Table(
    "agent_minutes",
    metadata,
    sa.Column("agent_uid", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),  # the first minute's first second
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("rtt", sa.LargeBinary, nullable=False),  # sixteen bits a minute, as `registry.agent_minutes` packs them
    sa.Column("heartbeats", sa.LargeBinary, nullable=False),
    sa.Index("agent_minutes_by_age", "at"),
)

aggregates = sa.Table(
    "aggregates",
    metadata,
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),  # the minute's first second
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("online", sa.BigInteger, nullable=False),
    sa.Column("opened", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger, nullable=False),
    sa.Column("registered", sa.BigInteger, nullable=False),
    sa.Column("resumed", sa.BigInteger, nullable=False),
    sa.Column("faults", sa.BigInteger, nullable=False),
    sa.Column("messages", sa.BigInteger, nullable=False),
    sa.Column("rtt_p50_ms", sa.Double),
    sa.Column("rtt_p95_ms", sa.Double),
    sa.Column("lag_ms", sa.Double, nullable=False),
    sa.Column("statuses", sa.Text, nullable=False),  # JSON: agents of the whole fleet by status
)
