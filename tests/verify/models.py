"""Alembic projects with models in a package of their own."""

import textwrap
from secrets import token_hex

from tests.verify.conftest import Scaffold

__all__ = ["BASE", "ENV", "write_models"]

ENV = """
import sys
import sqlalchemy as sa
from alembic import context

sys.path.insert(0, {folder!r})
{imports}

engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=sa.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection{options})
    with context.begin_transaction():
        context.run_migrations()
"""

BASE = """
import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql


class Base(orm.DeclarativeBase):
    pass


"""


def write_models(
    scaffold: Scaffold,
    models: str,
    *,
    options: str = "",
    further: dict[str, str] | None = None,
    head: str = BASE,
    target: str = "Base.metadata",
) -> str:
    """Write a package with the models in its module `models`, and an env.py that imports it.

    `options`: further ones of context.configure(). `further`: modules beside it, by name. Return
    the package's name, which is new: what was imported once stays in the process.
    """
    package = f"app_{token_hex(4)}"
    folder = scaffold.folder / package
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "models.py").write_text(head + textwrap.dedent(models))
    for name, text in (further or {}).items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).replace("PACKAGE", package))
    (scaffold.folder / "migrations" / "env.py").write_text(
        ENV.format(
            folder=str(scaffold.folder),
            imports=f"from {package} import models",
            options=f", target_metadata=models.{target}{options}",
        )
    )
    return package
