"""Where migrations come from: Alembic projects, recorded or run, and files of SQL.

What needs Alembic is imported when it is asked for: to judge files of SQL, or a history that is
remembered, takes neither Alembic nor SQLAlchemy.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from safemigrate.source.additions import Additions, find_additions
from safemigrate.source.editing import Edit, Refusal, apply_edits, edit_ignore, edit_sql
from safemigrate.source.folders import FolderProject, find_config, find_config_here, holds_revisions
from safemigrate.source.recollection import read_history
from safemigrate.source.revision_editing import edit_revision
from safemigrate.source.rewriting import Rewrite, rewrite_files
from safemigrate.source.sql_files import has_sql, list_sql_files, read_schema, read_sql_files

if TYPE_CHECKING:
    from safemigrate.source.environment import Work, run_environment
    from safemigrate.source.project import Project, open_project
    from safemigrate.source.recording import record
    from safemigrate.source.sqlstates import find_sqlstate

__all__ = [
    "Additions",
    "Edit",
    "FolderProject",
    "Project",
    "Refusal",
    "Rewrite",
    "Work",
    "apply_edits",
    "edit_ignore",
    "edit_revision",
    "edit_sql",
    "find_additions",
    "find_config",
    "find_config_here",
    "find_sqlstate",
    "has_sql",
    "holds_revisions",
    "list_sql_files",
    "open_project",
    "read_history",
    "read_schema",
    "read_sql_files",
    "record",
    "rewrite_files",
    "run_environment",
]

_WITH_ALEMBIC = {
    "Project": "project",
    "Work": "environment",
    "find_sqlstate": "sqlstates",
    "open_project": "project",
    "record": "recording",
    "run_environment": "environment",
}


def __getattr__(name: str) -> object:
    module = _WITH_ALEMBIC.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{module}"), name)
    return found
