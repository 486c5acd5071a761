"""What exists before the migrations: the file that `--schema` names."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.catalog import decode_snapshot, is_snapshot
from safemigrate.errors import SourceError
from safemigrate.facts import walk
from safemigrate.lint import list_ancestors
from safemigrate.model import Catalog, History, ServerVersion, Tables, Timeline
from safemigrate.source import read_schema
from safemigrate.source.excerpt import show_path
from safemigrate.source.text import read_text

__all__ = ["Schema", "read_before", "schema_option", "walk_from"]

Function = TypeVar("Function", bound=Callable[..., object])


def schema_option(function: Function) -> Function:
    """Add `--schema`; the parameter is `schema: Path | None`."""
    return click.option(
        "--schema",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="What exists before the migrations: SQL that builds it, such as pg_dump --schema-only "
        "writes, or what safemigrate snapshot has written; default: nothing.",
    )(function)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file says exists.

    `version`: of the server it was read from, None for SQL. `revisions`: where that database
    stands; what these revisions and those before them do is in the catalog.
    """

    catalog: Catalog
    path: str = ""
    version: ServerVersion | None = None
    revisions: tuple[str, ...] = ()


def read_before(path: Path | None, default_schema: str | None) -> Schema:
    """Return what exists before the migrations, nothing when there is no file.

    `default_schema`: where names without a schema are looked for. Raises SourceError for a file
    that cannot be read, and is neither SQL nor a snapshot.
    """
    schema = Schema(Catalog()) if path is None else _read(path)
    if default_schema is None:
        return schema
    settings = {**schema.catalog.settings, "search_path": default_schema}
    return replace(schema, catalog=replace(schema.catalog, settings=settings))


def _read(path: Path) -> Schema:
    text = read_text(path)
    shown = show_path(path)
    if not is_snapshot(text):
        return Schema(read_schema(path), shown)
    snapshot = decode_snapshot(text, shown)
    catalog = snapshot.catalog(shown)
    return Schema(catalog, shown, snapshot.server_version, snapshot.revisions)


def walk_from(history: History, schema: Schema, version: ServerVersion) -> Timeline:
    """Return the timeline of a history that begins with the schema, or comes by it.

    A snapshot of a database that has some of the revisions stands behind those. Raises SourceError
    when it has only revisions that the history does not.
    """
    has_revisions = any(one.revision is not None for one in history.migrations)
    applied = list_ancestors(history.migrations, schema.revisions)
    if not applied:
        if schema.revisions and has_revisions:
            raise _stray(schema)
        return walk(history, before=schema.catalog, version=version)
    past = tuple(one for one in history.migrations if one.revision in applied)
    rest = tuple(one for one in history.migrations if one.revision not in applied)
    beginning = Catalog(settings=schema.catalog.settings)
    first = walk(replace(history, migrations=past), before=beginning, version=version)
    before = _adopt_identities(schema.catalog, first.end)
    second = walk(replace(history, migrations=rest), before=before, version=version)
    return replace(second, passages=(*first.passages, *second.passages))


def _stray(schema: Schema) -> SourceError:
    revisions = ", ".join(f'"{revision}"' for revision in schema.revisions)
    return SourceError(
        f'the snapshot "{schema.path}" stands at {revisions}, which the project does not have',
        "take in the revisions that the database has, or the snapshot of another database",
    )


def _adopt_identities(catalog: Catalog, known: Catalog) -> Catalog:
    """Return the catalog in which a table is the one that `known` has by its name."""
    following = known.next_identity
    tables = {}
    for name, table in catalog.tables.items():
        same = known.tables.get(name)
        if same is None:
            following += 1
        tables[name] = replace(table, identity=following - 1 if same is None else same.identity)
    return replace(catalog, tables=Tables(tables), next_identity=following)
