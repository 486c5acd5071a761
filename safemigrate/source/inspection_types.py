"""The types and sequences of a schema, as SQLAlchemy's reflection names them."""

from dataclasses import dataclass
from typing import Any

from safemigrate.model import Catalog, ColumnType, QualifiedName
from safemigrate.source.inspection import Known
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["NamedTypes", "format_type", "is_visible", "list_sequences"]


def is_visible(catalog: Catalog, name: QualifiedName) -> bool:
    """Return whether the object of that resolved name is found without naming its schema."""
    return catalog.resolve(QualifiedName(None, name.name)) == name


def format_type(known: Known, type_: ColumnType) -> str:
    """Return the type in the words of the server's function of that name."""
    catalog = known.catalog
    name = catalog.resolve(QualifiedName(type_.schema, type_.name))
    if name not in catalog.enums and name not in catalog.domains:
        is_interval = type_.name == "interval" and type_.modifiers
        if type_.schema is None and is_interval:
            return _format_interval(type_)
        return str(type_)
    shown = quote_identifier(name.name) if is_visible(catalog, name) else quote_name(name)
    return shown + "[]" * bool(type_.dimensions)


# src/include/utils/timestamp.h and datetime.h: the fields of an interval as bits
_FIELDS = {
    1 << 2: "year",
    1 << 1: "month",
    1 << 3: "day",
    1 << 10: "hour",
    1 << 11: "minute",
    1 << 12: "second",
}
_ORDER = ("year", "month", "day", "hour", "minute", "second")
_ALL_FIELDS = 0x7FFF


def _format_interval(type_: ColumnType) -> str:
    mask, *precision = type_.modifiers
    found = {name for bit, name in _FIELDS.items() if mask & bit}
    named = [name for name in _ORDER if name in found]
    text = "interval"
    if mask != _ALL_FIELDS and named:
        text += " " + (named[0] if len(named) == 1 else f"{named[0]} to {named[-1]}")
    if precision:
        text += f"({precision[0]})"
    return text + "[]" * bool(type_.dimensions)


@dataclass(frozen=True, slots=True)
class NamedTypes:
    """The enums and domains, by the names that SQLAlchemy looks for them."""

    known: Known

    @property
    def enums(self) -> dict[tuple[str, ...], dict[str, Any]]:
        """Every enum: by its name alone where that finds it, else with its schema."""
        return {_key(one): one for one in self.list_enums("*")}

    @property
    def domains(self) -> dict[tuple[str, ...], dict[str, Any]]:
        """Every domain, likewise."""
        return {_key(one): one for one in self.list_domains("*")}

    def list_enums(self, schema: str | None) -> list[dict[str, Any]]:
        """Return the enums of the schema: None for what the search path finds, * for all."""
        return [
            {**self._name(name), "labels": list(labels)}
            for name, labels in sorted(self.known.catalog.enums.items())
            if self._is_in(name, schema)
        ]

    def list_domains(self, schema: str | None) -> list[dict[str, Any]]:
        """Return the domains, likewise; their conditions are not kept."""
        return [
            {
                **self._name(name),
                "type": format_type(self.known, domain.type).partition("(")[0],
                "nullable": True,
                "default": None,
                "constraints": [],
                "collation": "default" if domain.type.name in _COLLATED else None,
                "collation_schema": None,
            }
            for name, domain in sorted(self.known.catalog.domains.items())
            if self._is_in(name, schema)
        ]

    def _name(self, name: QualifiedName) -> dict[str, Any]:
        visible = is_visible(self.known.catalog, name)
        return {"name": name.name, "schema": name.schema, "visible": visible}

    def _is_in(self, name: QualifiedName, schema: str | None) -> bool:
        if schema is None:
            return is_visible(self.known.catalog, name)
        return schema in {"*", name.schema}


_COLLATED = frozenset({"character", "character varying", "text"})


def _key(one: dict[str, Any]) -> tuple[str, ...]:
    return (one["name"],) if one["visible"] else (one["schema"], one["name"])


def list_sequences(known: Known, schema: str | None) -> list[str]:
    """Return the names of the sequences, those that columns own included."""
    catalog = known.catalog
    identities = {table.identity: table for table in catalog.tables.values()}
    found = set(catalog.sequences)
    for name, (identity, column) in known.details.sequences.items():
        table = identities.get(identity)
        if table is not None and column in table.columns:
            # it moves with its table
            found.add(QualifiedName(table.name.schema, name.name))
    return sorted(
        name.name
        for name in found
        if (name.schema in catalog.search_path if schema is None else name.schema == schema)
    )
