from logging import getLogger

from alembic import context
from sqlalchemy import create_engine

from app.config import settings
from app.models import Base

logger = getLogger("alembic.env")
target_metadata = Base.metadata


def include_object(obj, name, type_, reflected, compare_to):
    return not (type_ == "table" and name == "spatial_ref_sys")


if context.is_offline_mode():
    context.configure(url=settings.database_url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(settings.database_url, echo=settings.debug)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            include_object=include_object,
        )
        with context.begin_transaction():
            context.run_migrations()
