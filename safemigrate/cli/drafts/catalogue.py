"""The recipes by name: each is the statement that one would write, out of a few options."""

from collections.abc import Callable
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

from safemigrate.errors import UsageError
from safemigrate.model import QualifiedName
from safemigrate.sql import quote_identifier, quote_name

__all__ = [
    "RECIPES",
    "Parts",
    "Recipe",
    "complete_recipes",
    "list_recipes",
    "write_statement",
]


@dataclass(frozen=True, slots=True)
class Parts:
    """What the options say; empty where nothing was said. `type`, `default`, `check` are SQL."""

    table: str = ""
    column: tuple[str, ...] = ()
    type: str = ""
    default: str = ""
    check: str = ""
    references: str = ""
    name: str = ""
    to: str = ""

    @property
    def quoted_table(self) -> str:
        """The table as SQL."""
        return _quote(self.table)

    @property
    def columns(self) -> str:
        """The columns as SQL, with commas."""
        return ", ".join(map(quote_identifier, self.column))

    @property
    def constraint(self) -> str:
        """`CONSTRAINT name ` where one is given."""
        return f"CONSTRAINT {quote_identifier(self.name)} " if self.name else ""

    def given(self) -> frozenset[str]:
        """Return the names of the options that say something."""
        return frozenset(name for name in self.__slots__ if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What it does in one line, the options it needs and those it takes, and the statement.

    `asks_reason`: what it does is never safe by itself, so that `--reason` belongs to it.
    """

    about: str
    needs: tuple[str, ...]
    write: Callable[[Parts], str]
    takes: tuple[str, ...] = ()
    asks_reason: bool = False


def _quote(name: str) -> str:
    schema, _, table = name.rpartition(".")
    return quote_name(QualifiedName(schema or None, table))


def _alter(parts: Parts, change: str) -> str:
    return f"ALTER TABLE {parts.quoted_table} {change}"


def _alter_column(parts: Parts, change: str) -> str:
    return _alter(parts, f"ALTER COLUMN {parts.columns} {change}")


def _add_column(parts: Parts, more: str) -> str:
    default = f" DEFAULT {parts.default}" if parts.default else ""
    return _alter(parts, f"ADD COLUMN {parts.columns} {parts.type}{default}{more}")


def _index(parts: Parts, kind: str) -> str:
    name = f"{quote_identifier(parts.name)} " if parts.name else ""
    where = f" WHERE {parts.check}" if parts.check else ""
    return f"CREATE {kind} {name}ON {parts.quoted_table} ({parts.columns}){where}"


def _foreign_key(parts: Parts) -> str:
    head = f"ADD {parts.constraint}FOREIGN KEY ({parts.columns})"
    return _alter(parts, f"{head} REFERENCES {parts.references}")


_COLUMN = ("table", "column")

RECIPES = {
    "add-check": Recipe(
        "a CHECK, validated while reads and writes go on",
        ("table", "check"),
        lambda parts: _alter(parts, f"ADD {parts.constraint}CHECK ({parts.check})"),
        ("name",),
    ),
    "add-column": Recipe(
        "a column, its default given to the old rows in batches where need be",
        (*_COLUMN, "type"),
        lambda parts: _add_column(parts, ""),
        ("default",),
    ),
    "add-foreign-key": Recipe(
        "a foreign key, validated while reads and writes go on",
        (*_COLUMN, "references"),
        _foreign_key,
        ("name",),
    ),
    "add-index": Recipe(
        "an index, built concurrently; --check is its WHERE",
        _COLUMN,
        lambda parts: _index(parts, "INDEX"),
        ("name", "check"),
    ),
    "add-not-null": Recipe(
        "NOT NULL for a column that is there, from a proof",
        _COLUMN,
        lambda parts: _alter_column(parts, "SET NOT NULL"),
    ),
    "add-primary-key": Recipe(
        "a primary key, made of an index built concurrently",
        _COLUMN,
        lambda parts: _alter(parts, f"ADD {parts.constraint}PRIMARY KEY ({parts.columns})"),
        ("name",),
    ),
    "add-required-column": Recipe(
        "a NOT NULL column: with --default at once, without in steps",
        (*_COLUMN, "type"),
        lambda parts: _add_column(parts, " NOT NULL"),
        ("default",),
    ),
    "add-unique": Recipe(
        "a UNIQUE constraint, made of an index built concurrently",
        _COLUMN,
        lambda parts: _alter(parts, f"ADD {parts.constraint}UNIQUE ({parts.columns})"),
        ("name",),
    ),
    "add-unique-index": Recipe(
        "a unique index, built concurrently; --check is its WHERE",
        _COLUMN,
        lambda parts: _index(parts, "UNIQUE INDEX"),
        ("name", "check"),
    ),
    "change-type": Recipe(
        "another type for a column: by a second column where the table would be rewritten",
        (*_COLUMN, "type"),
        lambda parts: _alter_column(parts, f"TYPE {parts.type}"),
    ),
    "detach-partition": Recipe(
        "a partition off its table, while reads and writes go on; --to is the partition",
        ("table", "to"),
        lambda parts: _alter(parts, f"DETACH PARTITION {_quote(parts.to)}"),
    ),
    "drop-column": Recipe(
        "a column that no release uses any more; --reason says since when",
        _COLUMN,
        lambda parts: _alter(parts, f"DROP COLUMN {parts.columns}"),
        asks_reason=True,
    ),
    "drop-constraint": Recipe(
        "a constraint that no release relies on; --reason says since when",
        ("table", "name"),
        lambda parts: _alter(parts, f"DROP CONSTRAINT {quote_identifier(parts.name)}"),
        asks_reason=True,
    ),
    "drop-index": Recipe(
        "an index away, while reads and writes go on",
        ("name",),
        lambda parts: f"DROP INDEX {_quote(parts.name)}",
    ),
    "drop-table": Recipe(
        "a table that no release uses any more; --reason says since when",
        ("table",),
        lambda parts: f"DROP TABLE {parts.quoted_table}",
        asks_reason=True,
    ),
    "rename-column": Recipe(
        "another name for a column: a second one, kept in step by a trigger",
        (*_COLUMN, "to"),
        lambda parts: _alter(
            parts, f"RENAME COLUMN {parts.columns} TO {quote_identifier(parts.to)}"
        ),
    ),
    "rename-table": Recipe(
        "another name for a table, with a view under the old one",
        ("table", "to"),
        lambda parts: _alter(parts, f"RENAME TO {quote_identifier(parts.to)}"),
    ),
    "validate-constraint": Recipe(
        "a constraint that is NOT VALID, in a transaction of its own",
        ("table", "name"),
        lambda parts: _alter(parts, f"VALIDATE CONSTRAINT {quote_identifier(parts.name)}"),
    ),
}
# Columns that a statement takes one of.
_SINGLE = frozenset(
    {
        "add-column",
        "add-not-null",
        "add-required-column",
        "change-type",
        "drop-column",
        "rename-column",
    }
)


def write_statement(name: str, parts: Parts) -> str:
    """Return the statement that one would write for the recipe; raises UsageError."""
    recipe = RECIPES.get(name)
    if recipe is None:
        raise UsageError(
            f'there is no recipe "{name}"',
            '"safemigrate new --list-recipes" lists them; any statement can be given with --sql',
        )
    given = parts.given()
    missing = [one for one in recipe.needs if one not in given]
    if missing:
        names = " and ".join(f"--{one}" for one in missing)
        raise UsageError(f'the recipe "{name}" needs {names}', _show_usage(name, recipe))
    strange = sorted(given - {*recipe.needs, *recipe.takes})
    if strange:
        raise UsageError(
            f'the recipe "{name}" does not take --{strange[0]}', _show_usage(name, recipe)
        )
    if name in _SINGLE and len(parts.column) > 1:
        raise UsageError(
            f'the recipe "{name}" is for one column', "run the command once for each column"
        )
    return recipe.write(parts)


def _show_usage(name: str, recipe: Recipe) -> str:
    needed = [f"--{one} {one.upper()}" for one in recipe.needs]
    optional = [f"[--{one} {one.upper()}]" for one in recipe.takes]
    if recipe.asks_reason:
        optional.append("[--reason REASON]")
    return f"--recipe {name} {' '.join([*needed, *optional])}"


def list_recipes() -> str:
    """Return the recipes, each with its options, as text."""
    lines = []
    for name, recipe in sorted(RECIPES.items()):
        lines += [f"{name}: {recipe.about}", f"    {_show_usage(name, recipe)}"]
    return "".join(f"{line}\n" for line in lines)


def complete_recipes(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of the recipes to a shell."""
    return [
        CompletionItem(name, help=recipe.about)
        for name, recipe in sorted(RECIPES.items())
        if name.startswith(incomplete)
    ]
