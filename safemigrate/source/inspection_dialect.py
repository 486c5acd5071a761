"""SQLAlchemy's reflection, answered from the schema that the statements sent so far have made."""

import inspect
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import reflection
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope
from sqlalchemy.types import NULLTYPE, Integer

from safemigrate.model import Column, QualifiedName, RelationKind, Table
from safemigrate.source.inspection import Known
from safemigrate.source.inspection_answers import (
    Answer,
    checks_of,
    default_of,
    find_table,
    find_tables,
    foreign_keys_of,
    indexes_of,
    is_stored,
    key_of,
    uniques_of,
)
from safemigrate.source.inspection_names import NamesDialect
from safemigrate.source.inspection_types import NamedTypes, format_type

__all__ = ["InspectionDialect"]

_Key = tuple[str | None, str]


class InspectionDialect(NamesDialect):
    """PostgreSQL's dialect with its reflection answered from what is known of the schema.

    A table that may be there is one without columns; only where it is sure that there is none,
    NoSuchTableError is raised.
    """

    supports_statement_cache = True

    def _lists(self, request: "_Request", of: Callable[[Known, Table], Iterable[Answer]]) -> Any:
        """Return for each table asked about the list of what `of` gives."""
        return self._parts(request, lambda known, table: list(of(known, table)), list)

    def _parts(
        self,
        request: "_Request",
        read: Callable[[Known, Table], Any],
        default: Callable[[], Any],
        *,
        is_of_views: bool = False,
    ) -> Any:
        """Return what `read` gives for each table asked about."""
        known = self._ask()
        schema, names = request.schema, request.names or None
        tables = find_tables(known, schema, names, request.scope, request.kind)
        answers: dict[_Key, Any] = {}
        for table in tables:
            is_view = table.kind in {RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW}
            if not (is_view and not is_of_views):
                self._look_unless(known.is_table_sure(table))
            answers[schema, table.name.name] = read(known, table)
        if names is None:
            self._look_unless(known.is_whole())
            return answers.items()
        for name in names:
            if (schema, name) not in answers and find_table(known.catalog, name, schema) is None:
                resolved = known.catalog.resolve(QualifiedName(schema, name))
                if not known.is_sure(resolved, is_found=False):
                    self._look_unless(is_sure=False)
                    self._tape.schema.imagine(resolved)
                    answers[schema, name] = default()
        return answers.items()

    def get_multi_columns(  # type: ignore[override]  # called by position, too
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, **kw: Any
    ) -> Any:
        """Return the columns of the tables."""
        del connection, kw
        request = _Request(schema, filter_names, scope, kind)

        def read(known: Known, table: Table) -> list[Answer]:
            self._look_unless(table.has_all_columns)
            names = NamedTypes(known)
            return [
                self._column(known, names, table, column, schema)
                for column in table.columns.values()
            ]

        return self._parts(request, read, list, is_of_views=True)

    def _column(
        self,
        known: Known,
        names: "NamedTypes",
        table: Table,
        column: Column,
        schema: str | None,
    ) -> Answer:
        type_ = NULLTYPE
        if column.type is None:
            self._look_unless(is_sure=False)
        else:
            type_ = self._type(format_type(known, column.type), names, column)
        default = default_of(known, table, column)
        nullable = not column.is_not_null
        if isinstance(type_, DOMAIN) and column.type is not None:
            # what it is constrained to is not kept
            self._look_unless(not known.catalog.base_type(column.type)[1])
            nullable = nullable and not type_.not_null
        is_serial = default is not None and default.startswith("nextval('")
        if is_serial and schema is not None and default is not None and "." not in default:
            default = default.replace("nextval('", f'nextval(\'"{schema}".', 1)
        is_number = issubclass(type_._type_affinity or object, Integer)  # noqa: SLF001 - SQLAlchemy's own test
        answer: Answer = {
            "name": column.name,
            "type": type_,
            "nullable": nullable,
            "default": None if column.generated is not None else default,
            "autoincrement": (is_serial and is_number) or column.is_identity,
            "comment": None,
        }
        if column.generated is not None:
            answer["computed"] = {"sqltext": default, "persisted": is_stored(column)}
        if column.is_identity:
            answer["identity"] = _identity(column)
        return answer

    def _type(self, text: str, names: "NamedTypes", column: Column) -> Any:
        description = f"column '{column.name}'"
        reflect: Any = self._reflect_type
        if _TAKES_LOADER:
            return reflect(text, names, description, column.collation)
        # SQLAlchemy before 2.1, which at first did not reflect collations
        given = (column.collation,) if _TAKES_COLLATION else ()
        return reflect(text, names.domains, names.enums, description, *given)

    def get_multi_pk_constraint(  # type: ignore[override]  # called by position, too
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, **kw: Any
    ) -> Any:
        """Return the primary keys of the tables."""
        del connection, kw
        default = reflection.ReflectionDefaults.pk_constraint
        return self._parts(_Request(schema, filter_names, scope, kind), key_of, default)

    def get_multi_foreign_keys(  # type: ignore[override]  # noqa: PLR0917 - called by position, too
        self,
        connection: Any,
        schema: Any,
        filter_names: Any,
        scope: Any,
        kind: Any,
        postgresql_ignore_search_path: bool = False,  # noqa: FBT001, FBT002 - as above
        **kw: Any,
    ) -> Any:
        """Return the foreign keys of the tables."""
        del connection, kw
        request = _Request(schema, filter_names, scope, kind)

        def read(known: Known, table: Table) -> list[Answer]:
            found = list(foreign_keys_of(known, table, schema))
            if postgresql_ignore_search_path:
                for answer in found:
                    far = table.constraints[answer["name"]].references
                    is_own = far is not None and far.schema != self.default_schema_name
                    answer["referred_schema"] = far.schema if far and is_own else schema
            return found

        return self._parts(request, read, list)

    def get_multi_unique_constraints(  # type: ignore[override]  # called by position, too
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, **kw: Any
    ) -> Any:
        """Return the unique constraints of the tables."""
        del connection, kw
        return self._lists(_Request(schema, filter_names, scope, kind), uniques_of)

    def get_multi_check_constraints(  # type: ignore[override]  # called by position, too
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, **kw: Any
    ) -> Any:
        """Return the CHECK constraints of the tables."""
        del connection, kw
        return self._lists(_Request(schema, filter_names, scope, kind), checks_of)

    def get_multi_indexes(  # type: ignore[override]  # called by position, too
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, **kw: Any
    ) -> Any:
        """Return the indexes of the tables."""
        del connection, kw

        def read(known: Known, table: Table) -> list[Answer]:
            for index in known.catalog.indexes_of(table.name):
                is_written = index.is_plain or index.name in known.details.indexes
                self._look_unless(is_written)
            return list(indexes_of(known, table))

        return self._parts(_Request(schema, filter_names, scope, kind), read, list)

    def get_multi_table_comment(  # type: ignore[override]  # called by position, too
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, **kw: Any
    ) -> Any:
        """Return no comments; whether a table has one is known, and not which."""
        del connection, kw

        def read(known: Known, table: Table) -> Answer:
            self._look_unless(table.identity not in known.details.commented)
            return {"text": None}

        return self._parts(
            _Request(schema, filter_names, scope, kind),
            read,
            lambda: {"text": None},
            is_of_views=True,
        )

    def get_multi_table_options(  # type: ignore[override]  # called by position, too
        self, connection: Any, schema: Any, filter_names: Any, scope: Any, kind: Any, **kw: Any
    ) -> Any:
        """Return what the tables inherit from; other options are not kept."""
        del connection, kw

        def read(known: Known, table: Table) -> Answer:
            del known
            parents = [*table.inherits, *([table.partition_of] if table.partition_of else [])]
            if not parents:
                return {}
            return {"postgresql_inherits": tuple(parent.name for parent in parents)}

        return self._parts(_Request(schema, filter_names, scope, kind), read, dict)


_MOST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def _identity(column: Column) -> Answer:
    """Return the options of an identity column, which are not kept: those of the server."""
    return {
        "always": False,
        "start": 1,
        "increment": 1,
        "minvalue": 1,
        "maxvalue": _MOST.get("" if column.type is None else column.type.name),
        "cache": 1,
        "cycle": False,
    }


_PARAMETERS = inspect.signature(PGDialect._reflect_type).parameters  # noqa: SLF001 - it has no public name
_TAKES_LOADER = "named_type_loader" in _PARAMETERS
_TAKES_COLLATION = "collation" in _PARAMETERS


@dataclass(frozen=True, slots=True)
class _Request:
    """Which tables are asked about; `names` None for all."""

    schema: str | None
    names: Collection[str] | None
    scope: ObjectScope
    kind: ObjectKind
