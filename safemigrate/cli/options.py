"""Options that several commands share."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION

__all__ = [
    "Number",
    "Seconds",
    "cache_option",
    "config_option",
    "format_option",
    "make_url_option",
    "pg_version_option",
    "quiet_option",
    "url_option",
]

Function = TypeVar("Function", bound=Callable[..., object])


class Number(click.IntRange):
    """A whole number, which an error calls so."""

    name = "whole number"


class Seconds(click.FloatRange):
    """A number of seconds, which an error calls so."""

    name = "number of seconds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; neither nan nor inf is one, though Python reads them."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a valid {self.name}.", param, ctx)
        return number


def config_option(function: Function) -> Function:
    """Add `-c/--config`, the project's alembic.ini; the parameter is `config: Path`."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE",
        envvar="ALEMBIC_CONFIG",
        show_envvar=True,
        default=Path("alembic.ini"),
        show_default=True,
        help="The configuration of Alembic: alembic.ini, or a pyproject.toml.",
    )(function)


def make_url_option(about: str) -> Callable[[Function], Function]:
    """Add `--url`; the parameter is `url: str | None`.

    `about`: which database it is, and what is taken without it.
    """
    return click.option(
        "--url",
        envvar="SAFEMIGRATE_URL",
        show_envvar=True,
        metavar="URL",
        help=f"{about} Give a password in the variable, which no list of processes shows.",
    )


def url_option(function: Function) -> Function:
    """Add `--url`; the parameter is `url: str | None`, None meaning the project's env.py."""
    return make_url_option(
        "The database, as postgresql://USER@HOST/NAME; default: what env.py connects to."
    )(function)


def pg_version_option(function: Function) -> Function:
    """Add `--pg-version`; the parameter is `pg_version: int | None`."""
    return click.option(
        "--pg-version",
        type=Number(OLDEST_VERSION.major, NEWEST_VERSION.major),
        metavar="MAJOR",
        help="The major version of PostgreSQL to judge for; default: the configuration's, or "
        f"{OLDEST_VERSION}, where every claim holds for later ones too.",
    )(function)


def format_option(*formats: str) -> Callable[[Function], Function]:
    """Add `--format` with these choices, the first one the default; parameter `format_`."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="How the report is written to standard output.",
    )


def cache_option(function: Function) -> Function:
    """Add `--no-cache`; the parameter is `cache: bool`."""
    return click.option(
        "--cache/--no-cache",
        default=True,
        show_default=True,
        help="Use what earlier runs have remembered, while nothing that they read has changed.",
    )(function)


def quiet_option(function: Function) -> Function:
    """Add `--quiet`; the parameter is `quiet: bool`."""
    return click.option("--quiet", is_flag=True, help="Write no progress to standard error.")(
        function
    )
