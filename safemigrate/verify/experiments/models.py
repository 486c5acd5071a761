"""The models and the history: the same schema, and every model known to env.py."""

from collections.abc import Iterable, Iterator

from safemigrate.model import Check, Property, Standing
from safemigrate.source.excerpt import show_path
from safemigrate.sql import quote_identifier
from safemigrate.verify.differences import find_reordered, split_identity
from safemigrate.verify.drift import Change, DriftDifference
from safemigrate.verify.models import (
    Comparison,
    Creation,
    Uncreated,
    Unlisted,
    compare_with_models,
    create_models,
    find_unregistered,
)
from safemigrate.verify.models.comparison import Difference
from safemigrate.verify.models.finding import Part, PartKind
from safemigrate.verify.stage import HistoryExperiment, Whole

__all__ = ["MODELS", "REGISTRATION"]

_UNASKED = (
    "set target_metadata in env.py, or name the models: "
    'metadata = ["app.models:Base.metadata"] under [tool.safemigrate.verify]'
)
_MATCH = (
    "let a new revision make what the models say, or correct the models; "
    "what Alembic should not look at, include_object in env.py leaves out"
)
_LEFT = (
    "drop it in a new revision, or declare it in the models; "
    "what Alembic should not look at, include_object in env.py leaves out"
)
_IMPORTABLE = (
    "install here what they need, such as the extras of the application, import them in env.py if "
    'they have tables, or leave the property out: ignore = ["registers-models"] under '
    "[tool.safemigrate.verify]"
)
_KINDS: dict[str, PartKind] = {
    "UNIQUE": "unique_constraint",
    "FOREIGN": "foreign_key_constraint",
    "CHECK": "check_constraint",
}


def _prove_equality(whole: Whole) -> Iterator[Check]:
    both = (Property.MATCHES_MODELS, Property.EQUALS_CREATE_ALL)
    creation = create_models(whole)
    if isinstance(creation, Uncreated):
        standing = Standing.UNASKED if creation.is_unasked else Standing.UNKNOWN
        advice = _UNASKED if creation.is_unasked else ""
        for one in both:
            yield Check(one, standing, creation.reason, help=advice)
        return
    comparison = compare_with_models(
        creation.made,
        creation.head,
        named=creation.named,
        left_out=creation.models.left_out,
        takes=lambda one: _takes(creation, one),
    )
    yield _check_models(creation, comparison)
    yield _check_history(creation, comparison)


def _check_models(creation: Creation, comparison: Comparison) -> Check:
    lines = [
        *(
            f"schema {one} is in the models, and the history does not make it"
            for one in creation.missing_schemas
        ),
        *(one.line for one in comparison.differences if one.is_in_models),
    ]
    if not lines:
        count = len(creation.models.tables)
        tables = "1 table" if count == 1 else f"{count} tables"
        reason = f"{tables} of the models are in the schema as declared"
        return Check(Property.MATCHES_MODELS, Standing.HOLDS, reason, comparison.notes)
    return Check(
        Property.MATCHES_MODELS,
        Standing.BROKEN,
        _sum_up(lines),
        (*lines, *_quote(creation.opinion)),
        _MATCH,
    )


def _check_history(creation: Creation, comparison: Comparison) -> Check:
    left = [one for one in comparison.differences if not one.is_in_models]
    if not left:
        return Check(
            Property.EQUALS_CREATE_ALL,
            Standing.HOLDS,
            "",
            find_reordered(creation.made, creation.head),
        )
    lines = [one.line for one in left]
    if not creation.models.tables:
        lines.insert(0, "the metadata has no tables at all: env.py imports no models")
    return Check(
        Property.EQUALS_CREATE_ALL,
        Standing.BROKEN,
        _sum_up(lines),
        tuple(lines),
        _advise_dropping(left),
    )


def _advise_dropping(left: Iterable[Difference]) -> str:
    return (
        f"{_LEFT}; a table goes last, when no release uses it"
        if any(one.kind == "table" for one in left)
        else _LEFT
    )


def _sum_up(lines: list[str]) -> str:
    more = len(lines) - 1
    return lines[0] if not more else f"{lines[0]}; and {more} more"


def _quote(opinion: Iterable[str]) -> Iterator[str]:
    lines = tuple(opinion)
    if not lines:
        yield "`alembic revision --autogenerate` would see nothing of it"
        return
    yield "`alembic revision --autogenerate` would write:"
    yield from (f"    {line}" for line in lines)


def _takes(creation: Creation, difference: DriftDifference) -> bool:
    """Return whether env.py lets Alembic compare it."""
    part = _read_part(creation, difference)
    if part is None:
        return True
    return creation.models.takes(part, is_in_models=difference.change is not Change.BESIDE)


def _read_part(creation: Creation, difference: DriftDifference) -> Part | None:
    """Return the column, index or constraint as Alembic names it; None for another object."""
    kind: PartKind | None = None
    definition = {**difference.found, **difference.expected}.get("definition", "")
    if difference.kind == "column":
        kind = "column"
    elif difference.kind == "index":
        kind = "index"
    elif difference.kind == "constraint":
        kind = _KINDS.get(definition.split(" ")[0])
    if kind is None:
        return None
    table, name = split_identity(difference.identity)
    if kind == "index":
        table = creation.table_of_index(difference.identity)
    schema, table_name = split_identity(table)
    is_home = schema == quote_identifier(creation.models.home)
    return Part(None if is_home else _unquote(schema), _unquote(table_name), kind, _unquote(name))


def _unquote(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _prove_registration(whole: Whole) -> Iterator[Check]:
    subject = Property.REGISTERS_MODELS
    path = show_path(whole.project.script.env_py_location)
    roster = find_unregistered(whole)
    if isinstance(roster, Unlisted):
        standing = Standing.UNASKED if roster.is_unasked else Standing.UNKNOWN
        advice = "set target_metadata in env.py" if roster.is_unasked else ""
        yield Check(subject, standing, roster.reason, help=advice)
        return
    failed = tuple(f"{module} was left out: {why}" for module, why in roster.failed)
    if roster.unregistered:
        lines = [f"table {table} of module {module}" for table, module in roster.unregistered]
        modules = ", ".join(dict.fromkeys(module for _, module in roster.unregistered))
        yield Check(
            subject,
            Standing.BROKEN,
            f"env.py does not import {modules}: {_sum_up(lines)}",
            (*lines, *failed),
            f"import {modules} in env.py, or in a module that it imports; "
            "autogenerate would drop the tables",
            path=path,
        )
        return
    if roster.failed:
        modules = ", ".join(module for module, _ in roster.failed)
        yield Check(
            subject,
            Standing.UNKNOWN,
            f"{modules} cannot be imported, and may have tables: {_sum_up([*failed])}",
            failed,
            _IMPORTABLE,
        )
        return
    packages = ", ".join(roster.packages)
    reason = (
        f"{roster.count} modules of {packages} bring no further table"
        if packages
        else "the models are in no package, so that there is nowhere to look for others"
    )
    yield Check(subject, Standing.HOLDS, reason)


MODELS = HistoryExperiment((Property.MATCHES_MODELS, Property.EQUALS_CREATE_ALL), _prove_equality)
REGISTRATION = HistoryExperiment((Property.REGISTERS_MODELS,), _prove_registration)
