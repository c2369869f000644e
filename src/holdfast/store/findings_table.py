"""The tables of findings: the document as it was last told, and by whom it can be found."""

import sqlalchemy as sa

from holdfast.store.tables import Name, Seq, metadata

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("seq", Seq, primary_key=True, autoincrement=True),
    sa.Column("id", Name, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("code", Name, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("agent_uid", Name),  # proved; null for claims, addresses and the gateway itself
    sa.Column("first_seen", sa.Double, nullable=False),
    sa.Column("changed_at", sa.Double, nullable=False),  # when this row was written, for those who follow
    sa.Column("resolved_at", sa.Double),
    sa.Column("document", sa.Text, nullable=False),  # JSON of `Finding`, without what operators did
    sa.Column("counted_by", Name, nullable=False),
    sa.Column("keeping", sa.Text, nullable=False),  # JSON: until, holds_s
    sa.Column("acknowledged", sa.Text),  # JSON of `Mark`
    sa.Column("muted", sa.Text),  # JSON of `Mark`
    sa.Column("merged_into", sa.Text),  # the id of the shared finding that took it up
    sa.Index("findings_by_id", "id", unique=True),
    sa.Index("findings_by_time", "first_seen", "seq"),
    sa.Index("findings_by_change", "changed_at", "seq"),
    sa.Index("findings_by_code", "code", "first_seen"),
    sa.Index("findings_by_count", "counted_by", "seq"),
    sa.Index(
        "findings_open",
        "first_seen",
        "seq",
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    ),
)

finding_names = sa.Table(
    "finding_names",
    metadata,
    sa.Column("name", Name, primary_key=True),  # a uid, or a host_id that was claimed or proved
    sa.Column("finding_id", Name, primary_key=True),
    sa.Index("finding_names_by_finding", "finding_id"),
    sqlite_with_rowid=False,
)
