"""What Alembic runs: every migration that is lacking, in one transaction.

Migrations name every constraint themselves, so no naming convention is handed over.
"""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
