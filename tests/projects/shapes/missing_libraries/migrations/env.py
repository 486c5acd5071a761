import alembic_postgresql_enum
from alembic import context
from alembic_utils.replaceable_entity import register_entities
from sqlalchemy import engine_from_config, pool

config = context.config
alembic_postgresql_enum.set_configuration(alembic_postgresql_enum.Config(add_type_ignore=True))
register_entities([])

connectable = engine_from_config(
    config.get_section(config.config_ini_section, {}), prefix="sqlalchemy.", poolclass=pool.NullPool
)
with connectable.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
