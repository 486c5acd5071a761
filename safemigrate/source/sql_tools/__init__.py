"""SQL migrations as other tools keep them: their order, their ways and their transactions.

What reads them is imported when it is asked for: a project of Alembic never needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from safemigrate.source.sql_tools.folders import list_sql_files

if TYPE_CHECKING:
    from safemigrate.source.sql_tools.reading import Reading, is_of_tool, read_directory, read_file

__all__ = ["Reading", "is_of_tool", "list_sql_files", "read_directory", "read_file"]


def __getattr__(name: str) -> object:
    return getattr(import_module(f"{__name__}.reading"), name)
