"""An Alembic project: its configuration, its revision files, and the graph they make."""

import configparser
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.script.revision import CycleDetected, Revision, RevisionMap
from alembic.script.revision import RevisionError as AlembicRevisionError
from alembic.util import CommandError, to_tuple

from safemigrate.errors import ConfigError, RevisionError, SafemigrateError
from safemigrate.source.engines import noticing_engines
from safemigrate.source.excerpt import describe, find_origin, show_path
from safemigrate.source.quarantine import quarantine
from safemigrate.source.text import read_revision, read_text

__all__ = ["Project", "open_project"]


@dataclass(frozen=True, slots=True)
class Project:
    """An Alembic project whose revision files have been loaded.

    `config` and `script` are Alembic's own.
    `url`: the database to use instead of the one env.py connects to, or None.
    `notices`: what the reader of a report should know.
    """

    config_path: Path
    config: Config
    script: ScriptDirectory
    url: str | None = None
    notices: tuple[str, ...] = ()

    def revisions(self) -> tuple[Script, ...]:
        """Return every revision in the order `alembic upgrade heads` runs them."""
        newest_first = self.script.iterate_revisions("heads", (), implicit_base=True)
        return tuple(reversed(list(newest_first)))


def open_project(config_path: Path, *, url: str | None = None) -> Project:
    """Read an Alembic configuration and load every revision file it names.

    `config_path`: an alembic.ini, or a pyproject.toml with `[tool.alembic]`; when an alembic.ini
    is not there, the pyproject.toml beside it is tried.
    Imports the revision files, and puts `prepend_sys_path` on sys.path as Alembic does; env.py is
    not run and no database is touched.
    Raises ConfigError when the configuration cannot be used, RevisionError when a revision file,
    or the graph of them, is broken.
    """
    # Alembic warns about what it reads in an old way; that is between it and the user's CI.
    with quarantine(is_silent=True), noticing_engines():
        config = _read_config(config_path)
        _check_url_option(config_path, config)
        script = _open_script_directory(config_path, config)
        scripts = _load_scripts(script)
        _check_graph(scripts)
        _install_map(script, scripts)
    return Project(config_path, config, script, url, tuple(_list_notices(script, scripts)))


def _list_notices(script: ScriptDirectory, scripts: tuple[Script, ...]) -> Iterator[str]:
    if not scripts:
        yield f'there are no revision files in "{_locations(script)}"'
    heads = [one for one in scripts if one.revision in script.get_heads()]
    # Branches with labels are meant to stay apart.
    if len(heads) > 1 and not all(one.branch_labels for one in heads):
        names = ", ".join(f'"{one.revision}"' for one in heads)
        yield (
            f"there are {len(heads)} heads, {names}: `alembic upgrade head` refuses to choose; "
            "`alembic merge heads` makes one of them"
        )


def _read_config(path: Path) -> Config:
    toml_path = path if path.suffix == ".toml" else path.parent / "pyproject.toml"
    has_toml = toml_path.is_file()
    if path.suffix != ".toml" and not path.is_file():
        if path.is_dir():
            raise ConfigError(
                f'"{path}" is a directory, not an Alembic configuration',
                "give the file itself, for example --config alembic.ini",
            )
        if path.name != "alembic.ini" or not (has_toml and _has_alembic_table(toml_path)):
            raise _missing(path)
        config = Config(toml_file=toml_path)
    elif path.suffix == ".toml":
        if not has_toml:
            raise _missing(path)
        config = Config(toml_file=path)
    else:
        config = Config(file_=path, toml_file=toml_path if has_toml else None)
    read_text(path if path.is_file() else toml_path, error=ConfigError)
    try:
        # both are read lazily; do it here, where the errors can be told apart
        _ = config.file_config, config.toml_alembic_config
    except configparser.Error as error:
        raise ConfigError(
            f'"{path}" is not a valid ini file: {describe(error)}',
            "compare it with the file that `alembic init` writes",
        ) from error
    except (tomllib.TOMLDecodeError, CommandError) as error:
        raise ConfigError(f'"{toml_path}" is not valid TOML: {describe(error)}') from error
    except OSError as error:
        raise ConfigError(f'"{path}" cannot be read: {error.strerror}') from error
    return config


def _check_url_option(path: Path, config: Config) -> None:
    """Raise ConfigError for a URL that cannot be read; no error of env.py must show a part of it.

    It may name an option that env.py sets before it reads it.
    """
    try:
        _ = config.file_config.get(config.config_ini_section, "sqlalchemy.url", fallback=None)
    except configparser.InterpolationMissingOptionError:
        return
    except configparser.InterpolationError as error:
        raise _bad_option(path, error) from None


def _bad_option(path: Path, error: configparser.InterpolationError) -> ConfigError:
    """Return the error that names the option, and shows nothing of its value."""
    return ConfigError(
        f'"{error.option}" of "{show_path(path)}" cannot be read',
        "a percent sign that stands for itself is written %%",
    )


def _missing(path: Path) -> ConfigError:
    return ConfigError(
        f'there is no Alembic configuration "{path}"',
        "run this in the directory that holds alembic.ini, or name it with --config",
    )


def _has_alembic_table(path: Path) -> bool:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    tool = table.get("tool")
    return isinstance(tool, dict) and "alembic" in tool


def _open_script_directory(path: Path, config: Config) -> ScriptDirectory:
    try:
        location = config.get_alembic_option("script_location")
        if not location:
            raise ConfigError(
                f'"{show_path(path)}" does not say where the migrations are',
                "set script_location in its section [alembic], for example to %(here)s/migrations",
            )
        return ScriptDirectory.from_config(config)
    except configparser.InterpolationError as error:
        raise _bad_option(path, error) from None
    except (CommandError, ImportError, ValueError, TypeError) as error:
        if isinstance(error, CommandError) and "script_location" not in str(error) and location:
            message = f'script_location "{location}" of "{show_path(path)}" cannot be used'
        else:
            message = f'"{show_path(path)}" cannot be used'
        raise ConfigError(
            f"{message}: {describe(error)}",
            "a relative script_location counts from the current directory; "
            "%(here)s/… counts from the file",
        ) from error


def _locations(script: ScriptDirectory) -> str:
    return ", ".join(show_path(path) for path in script._version_locations)  # noqa: SLF001 - Alembic has no public name for the resolved list


def _load_scripts(script: ScriptDirectory) -> tuple[Script, ...]:
    """Load the revision files one by one, as Alembic does, so that each error has its file."""
    scripts: list[Script] = []
    seen: set[Path] = set()
    for location in script._version_locations:  # noqa: SLF001 - as above
        if not location.exists():
            continue
        for listed in Script._list_py_dir(script, location):  # noqa: SLF001 - Alembic's own listing, with its options
            path = listed.resolve()
            if path in seen:
                continue
            seen.add(path)
            loaded = _load_script(script, path)
            if loaded is not None:
                scripts.append(loaded)
    return tuple(scripts)


def _load_script(script: ScriptDirectory, path: Path) -> Script | None:
    if path.suffix == ".py":
        read_revision(path)
    try:
        return Script._from_path(script, path)  # noqa: SLF001 - the public ways load all or nothing
    except (KeyboardInterrupt, SafemigrateError):
        raise
    except AlembicRevisionError as error:
        raise RevisionError(
            f'revision file "{show_path(path)}" is broken: {describe(error)}',
            "look at its revision, down_revision, branch_labels and depends_on",
        ) from error
    except CommandError as error:
        raise RevisionError(
            f'revision file "{show_path(path)}" has no revision id',
            "every file in the versions directory needs `revision = …` and `down_revision = …`",
        ) from error
    except BaseException as error:
        raise _load_error(error, path) from error


def _load_error(error: BaseException, path: Path) -> RevisionError:
    shown = show_path(path)
    origin = find_origin(error, path)
    if isinstance(error, AttributeError) and error.name == "down_revision" and origin is None:
        return RevisionError(
            f'revision file "{shown}" does not say down_revision',
            "write `down_revision = None` in the first revision, the id of the previous one in "
            "every other",
        )
    if isinstance(error, SyntaxError) and origin is not None:
        return RevisionError(
            f'revision file "{shown}" has a syntax error on line {origin.line}: {error.msg}',
            "correct the file; Alembic loads every revision, so this one stops them all",
        )
    place = shown if origin is None else str(origin)
    hint = "Alembic imports every revision file: what stands outside upgrade() must not fail"
    if isinstance(error, ImportError):
        hint = (
            "install what the revision imports where safemigrate runs, or add its folder to "
            "prepend_sys_path in the Alembic configuration"
        )
    return RevisionError(f'revision file "{place}" cannot be loaded: {describe(error)}', hint)


_RESERVED_IDS = frozenset({"base", "head", "heads"})


def _check_graph(scripts: tuple[Script, ...]) -> None:
    """Raise for what Alembic only warns about, or reports without naming a file."""
    by_id: dict[str, Script] = {}
    for script in scripts:
        if script.revision in _RESERVED_IDS:
            raise RevisionError(
                f'"{show_path(script.path)}" has the revision id "{script.revision}", '
                "which Alembic keeps for itself",
                "give it another id, and change the down_revision that follows it",
            )
        other = by_id.setdefault(script.revision, script)
        if other is not script:
            raise RevisionError(
                f'two files have the revision id "{script.revision}": '
                f'"{show_path(other.path)}" and "{show_path(script.path)}"',
                "give one of them a new id, and change the down_revision that should follow it",
            )
    labels = {label for script in scripts for label in script.branch_labels}
    for script in scripts:
        for previous in to_tuple(script.down_revision, default=()):
            if previous not in by_id:
                raise _missing_reference(script, "down_revision", previous)
        for needed in to_tuple(script.dependencies, default=()):
            if needed not in by_id and needed not in labels:
                raise _missing_reference(script, "depends_on", needed)


def _missing_reference(script: Script, attribute: str, value: str) -> RevisionError:
    return RevisionError(
        f'"{show_path(script.path)}" names {attribute} "{value}", and no file has that revision id',
        "restore the missing file, or point to the revision that should come before",
    )


def _install_map(script: ScriptDirectory, scripts: tuple[Script, ...]) -> None:
    revisions: tuple[Revision, ...] = scripts
    script.revision_map = RevisionMap(lambda: revisions)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # the map is made on first use
            _ = script.revision_map.heads
    except CycleDetected as error:
        cycle = [one for one in scripts if one.revision in error.revisions]
        files = ", ".join(f'"{show_path(one.path)}"' for one in cycle)
        raise RevisionError(
            f"the revisions make a cycle: {files}",
            "each revision's down_revision must lead back to one that has None",
        ) from error
    except (AlembicRevisionError, KeyError, UserWarning) as error:
        raise RevisionError(
            f"the revisions do not make a history: {describe(error)}",
            "look at the down_revision, branch_labels and depends_on of the files named",
        ) from error
