"""Where migrations come from: Alembic projects, recorded or run, and files of SQL."""

from safemigrate.source.editing import Edit, Refusal, apply_edits, edit_ignore, edit_sql
from safemigrate.source.environment import Work, run_environment
from safemigrate.source.git import changed_files
from safemigrate.source.project import Project, open_project
from safemigrate.source.recording import record
from safemigrate.source.revision_editing import edit_revision
from safemigrate.source.rewriting import Rewrite, rewrite_files
from safemigrate.source.sql_files import list_sql_files, read_schema, read_sql_files
from safemigrate.source.sqlstates import find_sqlstate

__all__ = [
    "Edit",
    "Project",
    "Refusal",
    "Rewrite",
    "Work",
    "apply_edits",
    "changed_files",
    "edit_ignore",
    "edit_revision",
    "edit_sql",
    "find_sqlstate",
    "list_sql_files",
    "open_project",
    "read_schema",
    "read_sql_files",
    "record",
    "rewrite_files",
    "run_environment",
]
