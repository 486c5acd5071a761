"""SQLAlchemy's questions for what is there, answered from the schema so far."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import reflection
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope
from sqlalchemy.exc import NoSuchTableError

from safemigrate.model import QualifiedName, Table
from safemigrate.source.inspection import Known
from safemigrate.source.inspection_answers import Answer, find_table, find_tables
from safemigrate.source.inspection_types import NamedTypes, is_visible, list_sequences
from safemigrate.source.tape import Tape

__all__ = ["NamesDialect"]

# PostgreSQL's first object id that is not its own, src/include/access/transam.h
_FIRST_OID = 16384
_LONGEST_NAME = 63

_SYSTEM_SCHEMAS = ("information_schema", "pg_catalog", "pg_toast")


class NamesDialect(PGDialect):
    """PostgreSQL's dialect, telling what is there from what is known of the schema.

    What is not known is answered as far as it is known, and looked at.
    """

    supports_statement_cache = True

    @property
    def _tape(self) -> Tape:
        raise NotImplementedError

    def _ask(self) -> Known:
        tape = self._tape
        if tape.passage is not None:
            tape.passage.inspected = True
        return tape.schema.known()

    def _look_unless(self, is_sure: bool) -> None:  # noqa: FBT001 - reads as a sentence
        if is_sure:
            return
        place = self._tape.locate()
        self._tape.look(None if place is None else place.span)

    def _check(self, known: Known, name: str, schema: str | None, *, is_found: bool) -> None:
        """Look unless it is sure that there is, or is not, something of that name."""
        resolved = known.catalog.resolve(QualifiedName(schema, name))
        self._look_unless(known.is_sure(resolved, is_found=is_found))

    # -- what is there

    @reflection.cache
    def has_table(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Return whether there is a table or view of that name."""
        del kw
        self._ensure_has_table_connection(connection)
        return self._has_table(table_name, schema)

    def has_multi_table(
        self, connection: Any, table_names: Iterable[str], schema: str | None = None, **kw: Any
    ) -> Any:
        """Return whether there is each of the tables."""
        del connection, kw
        return {(schema, name): self._has_table(name, schema) for name in table_names}.items()

    def _has_table(self, name: str, schema: str | None) -> bool:
        known = self._ask()
        is_found = find_table(known.catalog, name, schema) is not None
        self._check(known, name, schema, is_found=is_found)
        resolved = known.catalog.resolve(QualifiedName(schema, name))
        return is_found or self._tape.schema.is_imagined(resolved)

    @reflection.cache
    def has_schema(self, connection: Any, schema_name: str, **kw: Any) -> bool:  # type: ignore[override]  # a name of its own
        """Return whether there is the schema."""
        del connection, kw
        known, schema = self._ask(), schema_name
        is_found = schema in known.catalog.schemas or schema in _SYSTEM_SCHEMAS
        self._look_unless(not known.is_doubtful and (is_found or known.catalog.is_complete))
        return is_found

    @reflection.cache
    def has_sequence(
        self, connection: Any, sequence_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Return whether there is the sequence, be it owned by a column or not."""
        del connection, kw
        known = self._ask()
        is_found = sequence_name in list_sequences(known, schema)
        # the server cuts what it names after table and column
        is_short = len(sequence_name.encode()) < _LONGEST_NAME
        self._look_unless(is_found or is_short)
        self._check(known, sequence_name, schema, is_found=is_found)
        return is_found

    @reflection.cache
    def has_type(
        self, connection: Any, type_name: str, schema: str | None = None, **kw: Any
    ) -> bool:
        """Return whether there is a type of that name; a table is one, too."""
        del connection, kw
        known = self._ask()
        catalog = known.catalog
        names = [
            name
            for name in (*catalog.enums, *catalog.domains, *catalog.tables)
            if name.name == type_name
        ]
        if schema is None:
            is_found = any(is_visible(catalog, name) for name in names)
        else:
            is_found = (schema == "*" and bool(names)) or QualifiedName(schema, type_name) in names
        self._look_unless(is_found or not known.details.has_other_types)
        self._check(known, type_name, schema, is_found=is_found)
        return is_found

    @reflection.cache
    def get_table_oid(
        self, connection: Any, table_name: str, schema: str | None = None, **kw: Any
    ) -> int:
        """Return a number that no other table has."""
        del connection, kw
        known = self._ask()
        table = self._find(known, table_name, schema)
        return _FIRST_OID + (known.catalog.next_identity if table is None else table.identity)

    # -- names

    @reflection.cache
    def get_schema_names(self, connection: Any, **kw: Any) -> list[str]:
        """Return the names of the schemas."""
        del connection, kw
        known = self._ask()
        self._look_unless(known.is_whole())
        return sorted({*known.catalog.schemas, "information_schema"})

    @reflection.cache
    def get_table_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        """Return the names of the tables."""
        del connection, kw
        return self._names(schema, ObjectScope.DEFAULT, ObjectKind.TABLE)

    @reflection.cache
    def get_temp_table_names(
        self, connection: Any, schema: str | None = None, **kw: Any
    ) -> list[str]:
        """Return the names of the temporary tables."""
        del connection, kw
        return self._names(schema, ObjectScope.TEMPORARY, ObjectKind.TABLE)

    @reflection.cache
    def get_view_names(self, connection: Any, schema: str | None = None, **kw: Any) -> list[str]:
        """Return the names of the views."""
        del connection, kw
        return self._names(schema, ObjectScope.DEFAULT, ObjectKind.VIEW)

    @reflection.cache
    def get_materialized_view_names(
        self, connection: Any, schema: str | None = None, **kw: Any
    ) -> list[str]:
        """Return the names of the materialized views."""
        del connection, kw
        return self._names(schema, ObjectScope.DEFAULT, ObjectKind.MATERIALIZED_VIEW)

    @reflection.cache
    def get_temp_view_names(
        self, connection: Any, schema: str | None = None, **kw: Any
    ) -> list[str]:
        """Return the names of the temporary views."""
        del connection, kw
        return self._names(schema, ObjectScope.TEMPORARY, ObjectKind.VIEW)

    def _names(self, schema: str | None, scope: ObjectScope, kind: ObjectKind) -> list[str]:
        known = self._ask()
        self._look_unless(known.is_whole())
        return [table.name.name for table in find_tables(known, schema, None, scope, kind)]

    @reflection.cache
    def get_sequence_names(
        self, connection: Any, schema: str | None = None, **kw: Any
    ) -> list[str]:
        """Return the names of the sequences."""
        del connection, kw
        known = self._ask()
        self._look_unless(known.is_whole())
        return list_sequences(known, schema)

    @reflection.cache
    def _get_foreign_table_names(
        self, connection: Any, schema: str | None = None, **kw: Any
    ) -> list[str]:
        del connection, schema, kw
        # a statement that makes one is not followed, and leaves a doubt
        self._look_unless(self._ask().is_whole())
        return []

    # -- types

    @reflection.cache
    def _load_enums(self, connection: Any, schema: str | None = None, **kw: Any) -> list[Answer]:
        del connection, kw
        known = self._ask()
        self._look_unless(known.is_whole())
        return NamedTypes(known).list_enums(schema)

    @reflection.cache
    def _load_domains(self, connection: Any, schema: str | None = None, **kw: Any) -> list[Answer]:
        del connection, kw
        known = self._ask()
        self._look_unless(known.is_whole() and not known.catalog.domains)
        return NamedTypes(known).list_domains(schema)

    def _find(self, known: Known, name: str, schema: str | None) -> Table | None:
        """Return the table; None when it may be there, and is taken to be."""
        table = find_table(known.catalog, name, schema)
        resolved = known.catalog.resolve(QualifiedName(schema, name))
        is_sure = known.is_sure(resolved, is_found=table is not None)
        self._look_unless(is_sure)
        if table is None:
            if is_sure:
                raise NoSuchTableError(f"{schema}.{name}" if schema else name)
            self._tape.schema.imagine(resolved)
        return table

    @reflection.cache
    def get_view_definition(
        self, connection: Any, view_name: str, schema: str | None = None, **kw: Any
    ) -> str:
        """Return the query of the view as it was written, which the server prints otherwise."""
        del connection, kw
        table = self._find(self._ask(), view_name, schema)
        self._look_unless(is_sure=False)
        return "" if table is None else table.definition
