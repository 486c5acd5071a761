"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION

__all__ = [
    "cache_option",
    "config_option",
    "format_option",
    "pg_version_option",
    "quiet_option",
    "url_option",
]

Function = TypeVar("Function", bound=Callable[..., object])


def config_option(function: Function) -> Function:
    """Add `-c/--config`, the project's alembic.ini; the parameter is `config: Path`."""
    return click.option(
        "-c",
        "--config",
        type=click.Path(path_type=Path),
        envvar="ALEMBIC_CONFIG",
        show_envvar=True,
        default=Path("alembic.ini"),
        show_default=True,
        help="The Alembic configuration file.",
    )(function)


def url_option(function: Function) -> Function:
    """Add `--url`; the parameter is `url: str | None`, None meaning the project's env.py."""
    return click.option(
        "--url",
        envvar="SAFEMIGRATE_URL",
        show_envvar=True,
        help="The database, as postgresql://…; default: what the project's env.py connects to.",
    )(function)


def pg_version_option(function: Function) -> Function:
    """Add `--pg-version`; the parameter is `pg_version: int | None`."""
    return click.option(
        "--pg-version",
        type=click.IntRange(OLDEST_VERSION.major, NEWEST_VERSION.major),
        help="The server's major version to judge for; default: the configuration's, or "
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
        help="Use what earlier runs have remembered, while nothing that they read has changed.",
    )(function)


def quiet_option(function: Function) -> Function:
    """Add `--quiet`; the parameter is `quiet: bool`."""
    return click.option("--quiet", is_flag=True, help="No progress on standard error.")(function)
