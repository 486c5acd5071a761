"""What a server had at one moment, as a value and as a file: the schema and sizes, and no data."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
from msgspec import Struct

from safemigrate.catalog.replay import catalog_of_sql
from safemigrate.errors import SourceError
from safemigrate.model import (
    NEWEST_VERSION,
    OLDEST_VERSION,
    Catalog,
    QualifiedName,
    ServerVersion,
    Tables,
)
from safemigrate.model.prose import as_clause

__all__ = ["CatalogSnapshot", "TableSize", "decode_snapshot", "encode_snapshot", "is_snapshot"]

_VERSION = 1


@dataclass(frozen=True, slots=True)
class TableSize:
    """How much a table holds; `row_count` is the server's estimate, None where it has none."""

    row_count: int | None
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CatalogSnapshot:
    """The schema of a database at one moment.

    `statements`: SQL that builds it, without semicolons. `sizes`: of its tables and materialized
    views, indexes and TOAST included. `revisions`: where Alembic's version table says it stands.
    `unread`: the first lines of statements that are left out, because they are not understood.
    """

    server_version: ServerVersion
    statements: tuple[str, ...]
    sizes: Mapping[QualifiedName, TableSize]
    revisions: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    def catalog(self, path: str = "snapshot") -> Catalog:
        """Return the schema with its sizes; `path` names the snapshot in errors.

        Raises:
            SqlSyntaxError: for a statement that does not parse.
        """
        text = "".join(f"{statement};\n" for statement in self.statements)
        catalog = catalog_of_sql(text, path)
        tables = {
            name: replace(table, row_count=size.row_count, size_bytes=size.size_bytes)
            if (size := self.sizes.get(name))
            else table
            for name, table in catalog.tables.items()
        }
        return replace(catalog, tables=Tables(tables), is_complete=not self.unread)


class _TableDocument(Struct, frozen=True, forbid_unknown_fields=True):
    schema: str
    name: str
    row_count: int | None
    size_bytes: int


class _Document(Struct, frozen=True, forbid_unknown_fields=True):
    """The file; the fields are the keys, in the order they are written."""

    version: int
    pg_version: int
    revisions: tuple[str, ...]
    statements: tuple[str, ...]
    unread: tuple[str, ...]
    tables: tuple[_TableDocument, ...]


class _Head(Struct, frozen=True):
    """What every version of the file has."""

    version: int


def encode_snapshot(snapshot: CatalogSnapshot) -> str:
    """Return the snapshot as JSON, indented, with a newline at the end."""
    document = _Document(
        version=_VERSION,
        pg_version=snapshot.server_version.major,
        revisions=snapshot.revisions,
        statements=snapshot.statements,
        unread=snapshot.unread,
        tables=tuple(
            _TableDocument(name.schema or "", name.name, size.row_count, size.size_bytes)
            for name, size in sorted(snapshot.sizes.items())
        ),
    )
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def is_snapshot(text: str) -> bool:
    """Return whether a file's text is meant to be a snapshot; SQL never begins with a brace."""
    return text.lstrip().startswith("{")


def decode_snapshot(text: str, path: str) -> CatalogSnapshot:
    """Return the snapshot that the text is; raises SourceError, with `path`, when it is none."""
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.version != _VERSION:
            raise SourceError(
                f'"{path}" is a snapshot of version {head.version}, which is not known here',
                'take it anew with "safemigrate snapshot"',
            )
        read = msgspec.json.decode(text, type=_Document)
    except msgspec.DecodeError as error:
        reason = str(error).replace("`", "")
        raise SourceError(
            f'"{path}" is not a snapshot: {as_clause(reason)}',
            'take it anew with "safemigrate snapshot"',
        ) from error
    return CatalogSnapshot(
        # what a later server does is not known; it is judged as the newest one that is
        server_version=min(max(ServerVersion(read.pg_version), OLDEST_VERSION), NEWEST_VERSION),
        statements=read.statements,
        sizes={
            QualifiedName(table.schema, table.name): TableSize(table.row_count, table.size_bytes)
            for table in read.tables
        },
        revisions=read.revisions,
        unread=read.unread,
    )
