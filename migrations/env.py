"""How Alembic reaches the ledger's database, and what its metadata is compared with.

The URL is the configuration's `sqlalchemy.url`, else the environment's DATABASE_URL, else the
database "ledger" of the local server.
"""

import os
from logging.config import fileConfig
from typing import Literal

import sqlalchemy as sa
from alembic import context

from migrations.models import Base

DEFAULT_URL = "postgresql+psycopg:///ledger"

# Schemas of a ledger's database that are not the ledger's: safemigrate's journal, and extensions.
FOREIGN_SCHEMAS = frozenset({"safemigrate", "extensions"})

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name, disable_existing_loggers=False)


def database_url() -> sa.URL:
    """Return where to migrate; a plain postgresql:// URL is read as psycopg's."""
    configured = config.get_main_option("sqlalchemy.url")
    url = sa.make_url(configured or os.environ.get("DATABASE_URL") or DEFAULT_URL)
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def include_name(
    name: str | None,
    type_: Literal[
        "schema",
        "table",
        "column",
        "index",
        "unique_constraint",
        "foreign_key_constraint",
        "check_constraint",
    ],
    _parent_names: object,
) -> bool:
    """Return whether autogenerate should look at this at all."""
    return type_ != "schema" or name not in FOREIGN_SCHEMAS


def run_migrations_offline() -> None:
    """Write the SQL to standard output, without a connection."""
    context.configure(
        url=database_url(),
        target_metadata=Base.metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    """Run the migrations on a connection of their own."""
    engine = sa.create_engine(database_url(), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_schemas=True,
            include_name=include_name,
            compare_server_default=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
