from alembic import context
from sqlalchemy import create_engine

from app.models import Base
from app.settings import settings

config = context.config
config.set_main_option("sqlalchemy.url", settings.database_url)

engine = create_engine(config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
