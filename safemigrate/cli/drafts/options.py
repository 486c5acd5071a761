"""What `safemigrate new` is told about a recipe, and where the revision stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from safemigrate.cli.completing import complete_revisions

__all__ = ["order_options", "part_options"]

Function = TypeVar("Function", bound=Callable[..., object])

_PART_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--table", default="", metavar="NAME", help="For --recipe: the table, as SQL names it."
    ),
    click.option(
        "--column", multiple=True, metavar="NAME", help="For --recipe: a column; may be repeated."
    ),
    click.option("--type", default="", metavar="SQL", help="For --recipe: a type, as SQL has it."),
    click.option("--default", default="", metavar="SQL", help="For --recipe: a default, as SQL."),
    click.option("--check", default="", metavar="SQL", help="For --recipe: a condition, as SQL."),
    click.option(
        "--references",
        default="",
        metavar="SQL",
        help="For --recipe: what a foreign key leads to, such as 'users (id) ON DELETE CASCADE'.",
    ),
    click.option(
        "--name", default="", metavar="NAME", help="For --recipe: of a constraint or an index."
    ),
    click.option("--to", default="", metavar="NAME", help="For --recipe: a new name."),
)
_ORDER_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--head",
        default="head",
        metavar="REV",
        help="The revision to follow; default: the head.",
        shell_complete=complete_revisions,
    ),
    click.option("--splice", is_flag=True, help="Let --head be a revision that is no head."),
    click.option(
        "--branch-label",
        multiple=True,
        metavar="LABEL",
        help="A label of the branch; may be repeated.",
    ),
    click.option(
        "--version-path",
        type=click.Path(path_type=Path),
        help="The folder to write to, where the project has several.",
    ),
    click.option(
        "--depends-on",
        multiple=True,
        metavar="REV",
        help="What has to run before; may be repeated.",
        shell_complete=complete_revisions,
    ),
    click.option("--rev-id", metavar="ID", help="The id of the (first) revision."),
)


def part_options(function: Function) -> Function:
    """Add what a recipe is told; the parameters are the fields of `Parts`."""
    for option in reversed(_PART_OPTIONS):
        function = option(function)
    return function


def order_options(function: Function) -> Function:
    """Add where the revision stands; the parameters are the fields of `Order`, by and large."""
    for option in reversed(_ORDER_OPTIONS):
        function = option(function)
    return function
