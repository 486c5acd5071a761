from alembic import context
from sqlalchemy import engine_from_config, pool, text

config = context.config


def include_name(name, type_, parent_names):
    if type_ == "schema":
        return name in {"sales", "billing"}
    return True


connectable = engine_from_config(
    config.get_section(config.config_ini_section), prefix="sqlalchemy.", poolclass=pool.NullPool
)
with connectable.connect() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS ops"))
    connection.execute(text("SET search_path TO sales, public"))
    connection.commit()
    connection.dialect.default_schema_name = "sales"
    context.configure(
        connection=connection,
        version_table_schema="ops",
        include_schemas=True,
        include_name=include_name,
    )
    with context.begin_transaction():
        context.run_migrations()
