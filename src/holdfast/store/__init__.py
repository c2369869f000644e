"""Durable state, on SQLite or PostgreSQL."""

from holdfast.store.commits import Group, SetStatement, one
from holdfast.store.database import Durability, Work
from holdfast.store.store import Store, open_store

__all__ = ["Durability", "Group", "SetStatement", "Store", "Work", "one", "open_store"]
