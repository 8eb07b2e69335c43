"""The store in SQL: one code path for SQLite and PostgreSQL.

``engine`` connects, ``migrate`` makes the tables, ``store`` is the port; behind it
``uow`` writes and ``reader`` reads. ``tables`` and ``columns`` say what a row is,
``rows`` what record it stands for, ``sets`` how many of them travel at once.
"""
