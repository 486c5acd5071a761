"""What the options and the configuration of pytest say about a project, and its server."""

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from safemigrate.config import Config, VerifyChoices, check_property_words, load_config
from safemigrate.errors import SafemigrateError
from safemigrate.server import Server, open_server
from safemigrate.source import Project, open_project
from safemigrate.source.folders import has_alembic_table

__all__ = ["Site", "describe_error", "find_config_path", "find_server", "find_site"]


@dataclass(frozen=True, slots=True)
class Site:
    """The project under test, and how it is to be proved."""

    project: Project
    choices: VerifyChoices


_SITE = pytest.StashKey[Site]()
_SERVER = pytest.StashKey[Server]()


def find_config_path(config: pytest.Config) -> Path:
    """Return the configuration of Alembic; raises UsageError of pytest where there is none."""
    asked = config.getoption("safemigrate_config")
    if asked:
        path = config.invocation_params.dir / str(asked)
    else:
        path = config.rootpath / str(config.getini("safemigrate_config"))
        beside = path.with_name("pyproject.toml")
        if not path.is_file() and beside.is_file() and has_alembic_table(beside):
            path = beside
    if not path.is_file():
        raise pytest.UsageError(
            f'there is no Alembic configuration "{path}": name it with --safemigrate-config, or '
            "as safemigrate_config in the configuration of pytest"
        )
    return path.resolve()


def find_site(config: pytest.Config) -> Site:
    """Return the project under test, read once; raises what reading it raises."""
    if _SITE not in config.stash:
        path = find_config_path(config)
        configured = _load(path)
        selected = config.getoption("safemigrate_select") or config.getini("safemigrate_select")
        choices = configured.verify
        if selected:
            check_property_words(tuple(selected), "the selection")
            choices = replace(choices, selected=tuple(selected), ignored=())
        project = open_project(path, imports=configured.imports)
        config.stash[_SITE] = Site(project, choices)
    return config.stash[_SITE]


def _load(path: Path) -> Config:
    return load_config(tuple(dict.fromkeys((path.parent, Path()))))


def find_server(config: pytest.Config) -> Server:
    """Return the throwaway server of this process, which is stopped when pytest ends."""
    if _SERVER not in config.stash:
        kind = config.getoption("safemigrate_server") or str(config.getini("safemigrate_server"))
        stack = ExitStack()
        config.stash[_SERVER] = stack.enter_context(open_server(kind))
        config.add_cleanup(stack.close)
    return config.stash[_SERVER]


def describe_error(error: SafemigrateError) -> str:
    """Return what happened and what to do, for a report."""
    return f"{error.message}\nhint: {error.hint}" if error.hint else error.message
