"""Databases for whatever speaks to one."""

from tests.databases import database_url, empty_database_url, postgresql_url, sqlite_url

__all__ = ["database_url", "empty_database_url", "postgresql_url", "sqlite_url"]
