"""A migration framework for PostgreSQL with safety linting, on Alembic."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("safemigrate")
