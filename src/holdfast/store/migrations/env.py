"""Alembic's entry point: runs the migrations on the connection that `migrate` passes in."""

from alembic import context

from holdfast.store import findings_table
from holdfast.store.tables import metadata

assert findings_table.findings.metadata is metadata  # imported so that its tables are known

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
