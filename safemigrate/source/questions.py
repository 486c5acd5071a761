"""Questions to PostgreSQL's own catalogs, sent as SQL, answered from what is known of the schema.

Only what one view tells of named objects is answered, and only where each part of the query is
understood; to any other question there is no answer here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from safemigrate.model import Catalog, QualifiedName
from safemigrate.source.catalog_views import VIEWS, CatalogView, Item
from safemigrate.source.inspection import Known
from safemigrate.sql.queries import (
    Comparison,
    Output,
    OutputKind,
    Parameter,
    Query,
    RelationName,
    Special,
    Value,
)

__all__ = ["CatalogAnswer", "answer_question", "concerns_catalog"]

Row = tuple[object, ...]

_CATALOG = re.compile(r"\b(?:information_schema|pg_[a-z]+|to_regclass)\b", re.IGNORECASE)
# What every server has beside the history's own, where the schema is not compared.
_SYSTEM_NAME = re.compile(
    r"_?pg_.*|information_schema_catalog_name|sql_\w+|user_\w+|(?:\w+_)?(?:applicable|enabled)_roles"
    r"|(?:administrable|applicable|enabled)\w*|attributes|character_sets|collation\w*|\w*column\w*"
    r"|constraint_\w+|data_type_privileges|domain\w*|element_types|foreign_\w+|key_column_usage"
    r"|parameters|referential_constraints|role_\w+|routine\w*|schemata|sequences|table\w*"
    r"|transforms|trigger\w*|udt_\w+|usage_privileges|view\w*|check_constraint\w*"
)


@dataclass(frozen=True, slots=True)
class CatalogAnswer:
    """The rows of an answer; `is_sure`: the history shows all of what was asked."""

    rows: list[Row]
    is_sure: bool


class _UnansweredError(Exception):
    """The question is about more than is known."""


def concerns_catalog(sql: str) -> bool:
    """Return whether the query may be about PostgreSQL's own catalogs."""
    return _CATALOG.search(sql) is not None


def answer_question(query: Query, values: Sequence[object], known: Known) -> CatalogAnswer | None:
    """Return the answer; None when the query is about more than is known.

    `values`: what is bound to its parameters.
    """
    question = _Question(values, known)
    try:
        rows = question.answer(query)
    except _UnansweredError:
        return None
    return CatalogAnswer(rows, question.is_sure)


class _Question:
    """A query while it is answered; `is_sure` becomes False with the first doubt."""

    def __init__(self, values: Sequence[object], known: Known) -> None:
        self.is_sure = not known.is_doubtful
        self._values = values
        self._known = known

    def answer(self, query: Query) -> list[Row]:
        if not query.outputs:
            raise _UnansweredError
        if query.table is None:
            if not query.has_one_row:
                raise _UnansweredError
            return [tuple(self._scalar(output) for output in query.outputs)]
        found = self._find(query)
        if query.has_one_row:
            if any(output.column for output in query.outputs):
                raise _UnansweredError
            return [(len(found),) * len(query.outputs)]
        return [
            tuple(_shown(item, output) for output in query.outputs) for item in found[: query.limit]
        ]

    def _scalar(self, output: Output) -> object:
        match output.kind:
            case OutputKind.CONSTANT:
                return output.value
            case OutputKind.EXISTS if output.query is not None:
                inner = output.query
                if inner.has_one_row:
                    return not output.is_negated
                return bool(self._find(inner)) is not output.is_negated
            case OutputKind.RELATION:
                name = self._relation(self._bound(output.value))
                self._check_name(name)
                is_null = name is None or not _is_relation(self._known.catalog, name)
                if output.tests_null is not None:
                    return is_null is output.tests_null
                return None if is_null or name is None else name.name
            case _:
                raise _UnansweredError

    def _find(self, query: Query) -> list[Item]:
        view = None if query.table is None else VIEWS.get(_qualify(query.table))
        if view is None or query.conditions is None:
            raise _UnansweredError
        comparisons = [one for one in query.conditions if not self._is_about_database(one)]
        self._check(view, comparisons)
        return [item for item in view.rows(self._known) if self._matches(item, comparisons)]

    def _is_about_database(self, comparison: Comparison) -> bool:
        """Return whether it says that the row is of this database, as all of them are."""
        named = comparison.column.endswith("_catalog")
        return named and comparison.values == (Special.CURRENT_DATABASE,)

    def _matches(self, item: Item, comparisons: Sequence[Comparison]) -> bool:
        for one in comparisons:
            if one.column not in item:
                raise _UnansweredError
            wanted = [self._bound(value) for value in one.values]
            if None in wanted or (item[one.column] in wanted) is one.is_negated:
                return False
        return True

    def _check(self, view: CatalogView, comparisons: Sequence[Comparison]) -> None:
        """Raise unless it compares enough, and see whether the answer is sure."""
        equal = {one.column: one for one in comparisons if not one.is_negated}
        anchors = [anchor for anchor in view.anchors if anchor <= equal.keys()]
        if not anchors or not {one.column for one in comparisons} <= view.columns:
            raise _UnansweredError
        names = [self._bound(value) for column in anchors[0] for value in equal[column].values]
        is_anywhere = not view.schema or view.schema not in equal
        for name in names:
            bare = name.name if isinstance(name, QualifiedName) else name
            if not isinstance(bare, str) or (is_anywhere and _SYSTEM_NAME.fullmatch(bare)):
                raise _UnansweredError
            self._check_bare(bare, view)

    def _check_bare(self, name: str, view: CatalogView) -> None:
        known = self._known
        catalog = known.catalog
        bearers = [table for table in catalog.tables.values() if table.name.name == name]
        bearers += [
            catalog.tables[index.table]
            for index in catalog.indexes.values()
            if index.name.name == name and index.table in catalog.tables
        ]
        self.is_sure &= not any(one.name == name for one in known.doubtful)
        self.is_sure &= not any(table.name in known.doubtful for table in bearers)
        if view.is_of_parts:
            self.is_sure &= all(
                known.is_table_sure(table) and table.has_all_columns for table in bearers
            )
        is_named = bool(bearers) or any(
            one.name == name for one in (*catalog.enums, *catalog.domains, *catalog.sequences)
        )
        self.is_sure &= is_named or catalog.is_complete
        if "typname" in view.columns:
            self.is_sure &= is_named or not known.details.has_other_types
        if "extname" in view.columns:
            self.is_sure &= name in known.details.extensions

    def _check_name(self, name: QualifiedName | None) -> None:
        if name is not None:
            is_found = _is_relation(self._known.catalog, name)
            self.is_sure &= self._known.is_sure(name, is_found=is_found)

    def _bound(self, value: Value) -> object:
        """Return the value that is compared with: a constant, what is bound, or of the session."""
        if isinstance(value, Parameter):
            if not 0 < value.number <= len(self._values):
                raise _UnansweredError
            bound = self._values[value.number - 1]
            return self._relation(bound) if value.is_relation else bound
        if isinstance(value, RelationName):
            return self._relation(value.text)
        if value is Special.CURRENT_SCHEMA:
            return self._known.catalog.search_path[0]
        if isinstance(value, Special):
            raise _UnansweredError
        return value

    def _relation(self, text: object) -> QualifiedName | None:
        """Return the relation that the text names, as regclass reads it."""
        if not isinstance(text, str):
            raise _UnansweredError
        found = _NAME.fullmatch(text.strip())
        if found is None:
            raise _UnansweredError
        parts = [_fold(part) for part in found.groups() if part]
        name = QualifiedName(parts[0] if len(parts) > 1 else None, parts[-1])
        if _SYSTEM_NAME.fullmatch(name.name) or name.schema in {"pg_catalog", "information_schema"}:
            raise _UnansweredError
        return self._known.catalog.resolve(name)


_NAME = re.compile(r'(?:("[^"]+"|\w+)\.)?("[^"]+"|\w+)')


def _fold(part: str) -> str:
    return part[1:-1] if part.startswith('"') else part.lower()


def _is_relation(catalog: Catalog, name: QualifiedName) -> bool:
    return name in catalog.tables or name in catalog.indexes or name in catalog.sequences


def _qualify(name: QualifiedName) -> QualifiedName:
    return QualifiedName(name.schema or "pg_catalog", name.name)


def _shown(item: Item, output: Output) -> object:
    if output.kind is OutputKind.CONSTANT:
        return output.value
    if output.kind is not OutputKind.COLUMN or output.column not in item:
        raise _UnansweredError
    value = item[output.column]
    if isinstance(value, QualifiedName):
        # it is a number there
        raise _UnansweredError
    return value
