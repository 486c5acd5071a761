"""Everything in one transaction, behind a lock, as the deployment wants it."""

import os

from alembic import context
from sqlalchemy import create_engine, text

config = context.config
tables = {"customer": "app_customer", "orders": "app_orders"}

engine = create_engine(
    os.environ.get("BAKERY_DATABASE_URL") or config.get_main_option("sqlalchemy.url"),
    connect_args={"connect_timeout": 3},
)

with engine.connect() as connection:
    with connection.begin():
        connection.execute(text("SET lock_timeout = '2s'"))
        connection.execute(text("SET search_path TO shop"))
        connection.execute(text("SELECT pg_advisory_lock(4711)"))
        context.configure(
            connection=connection,
            transactional_ddl=True,
            version_table_schema="public",
            role_name="bakery_reader",
        )
        context.run_migrations(tables=tables)
        connection.execute(text("SELECT pg_advisory_unlock(4711)"))
