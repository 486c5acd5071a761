"""An Alembic project: its configuration, its revision files, and the graph they make."""

import configparser
import contextlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from safemigrate.errors import ConfigError
from safemigrate.model import Assumption
from safemigrate.model.history import SEVERAL_HEADS
from safemigrate.source.alembic_config import bad_option, check_url_option, read_config
from safemigrate.source.engines import noticing_engines
from safemigrate.source.excerpt import describe, show_path
from safemigrate.source.fence import Attempt
from safemigrate.source.folders import (
    FolderProject,
    find_location,
    find_version_folders,
    has_revisions,
)
from safemigrate.source.graph import check_graph, install_map, mend_graph
from safemigrate.source.loading import (
    Loaded,
    Unloadable,
    list_folders,
    load_leniently,
    load_strictly,
)
from safemigrate.source.quarantine import quarantine
from safemigrate.source.standins_imports import StandIns, standing_in
from safemigrate.source.standins_places import Places, find_places
from safemigrate.source.standins_types import Uses

__all__ = ["Project", "open_project"]


@dataclass(frozen=True, slots=True)
class Project:
    """An Alembic project whose revision files have been loaded.

    `config` and `script` are Alembic's own.
    `url`: the database to use instead of the one env.py connects to, or None.
    `notices`: what the reader of a report should know.
    `has_gaps`: a revision follows, or depends on, one that is not there.
    `unloadable`: revision id → why its file could not be loaded; its script has no functions.
    `assumptions`: revision id → what was assumed when its file was loaded.
    `stand_ins`: what takes the place of modules that are not here; None when nothing may.
    """

    config_path: Path
    config: Config
    script: ScriptDirectory
    url: str | None = None
    notices: tuple[str, ...] = ()
    has_gaps: bool = False
    unloadable: Mapping[str, Unloadable] = field(default_factory=dict)
    assumptions: Mapping[str, tuple[Assumption, ...]] = field(default_factory=dict)
    stand_ins: StandIns | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that hold the revisions."""
        return list_folders(self.script)

    def revisions(self) -> tuple[Script, ...]:
        """Return every revision in the order `alembic upgrade heads` runs them."""
        newest_first = self.script.iterate_revisions("heads", (), implicit_base=True)
        return tuple(reversed(list(newest_first)))

    def standing_in(self) -> contextlib.AbstractContextManager[None]:
        """Let stand-ins take the place of modules that are not here, when they may."""
        if self.stand_ins is None:
            return contextlib.nullcontext()
        return standing_in(self.stand_ins)


def open_project(
    config_path: Path | FolderProject,
    *,
    url: str | None = None,
    is_lenient: bool = False,
    imports: tuple[str, ...] = (),
    wanted: tuple[Path, ...] = (),
) -> Project:
    """Read an Alembic configuration and load every revision file it names.

    `config_path`: an alembic.ini, or a pyproject.toml with `[tool.alembic]`; when an alembic.ini
    is not there, the pyproject.toml beside it is tried. Or a folder that is a project by itself.
    `is_lenient`: for judging only. Modules that are not here are stood in for, a file that cannot
    be loaded is a script without functions, a reference to nothing is cut, and the migrations are
    looked for where Alembic, run from here, would not find them.
    `imports`: modules to import first. `wanted`: paths of revisions that are asked for, which tell
    which of several folders is meant; it counts only where `is_lenient`.

    Imports the revision files, and puts `prepend_sys_path` on sys.path as Alembic does; env.py is
    not run and no database is touched.
    Raises ConfigError when the configuration cannot be used, RevisionError when a revision file,
    or the graph of them, is broken.
    """
    # Alembic warns about what it reads in an old way; that is between it and the user's CI.
    refusals = _Refusals() if is_lenient else None
    with (
        quarantine(is_silent=True, on_attempt=None if refusals is None else refusals.note),
        noticing_engines(is_lenient=is_lenient),
    ):
        path, config = _configure(config_path)
        if refusals is None:
            script = _open_script_directory(path, config)
            _import_all(imports)
            scripts = load_strictly(script)
            check_graph(scripts)
            install_map(script, scripts)
            return Project(path, config, script, url, tuple(_list_notices(script, scripts)))
        _find_script_location(path, config)
        script = _open_script_directory(path, config)
        notices = [*_find_versions(path, script, config_path, wanted)]
        stand_ins = StandIns(_find_places(path, config, script))
        refusals.uses = stand_ins.uses
        with standing_in(stand_ins):
            _import_all(imports, stand_ins.places)
            loaded = load_leniently(script, stand_ins.uses)
        gaps = [*mend_graph(loaded.scripts)]
        install_map(script, loaded.scripts)
    # what follows nothing is one head too many, and to merge it mends nothing
    notices += gaps or [*_list_notices(script, loaded.scripts, loaded.made_up)]
    notices += [*_list_strangers(loaded), *_count_unloadable(loaded)]
    notices += refusals.notices()
    return Project(
        path,
        config,
        script,
        url,
        tuple(notices),
        bool(gaps),
        loaded.unloadable,
        loaded.assumptions,
        stand_ins,
    )


class _Refusals:
    """What was refused while modules and revision files were loaded.

    `uses`: told of the attempts of a revision file, as long as one is being loaded.
    """

    def __init__(self) -> None:
        self.uses: Uses | None = None
        self._others: dict[Attempt, None] = {}

    def note(self, attempt: Attempt) -> None:
        """Take down what the fence refuses."""
        if self.uses is not None and self.uses.on_use is not None:
            self.uses.on_use(f"{attempt}, which is refused while migrations are read")
        else:
            self._others[attempt] = None

    def notices(self) -> Iterator[str]:
        """Yield what was tried by other code than a revision's."""
        for attempt in self._others:
            yield f"a module that is imported {attempt}, which is refused"


def _configure(given: Path | FolderProject) -> tuple[Path, Config]:
    if isinstance(given, Path):
        config = read_config(given)
        check_url_option(given, config)
        return given, config
    config = Config()
    config.set_main_option("script_location", _escape(given.script_location))
    return given.script_location, config


def _escape(path: Path) -> str:
    return str(path).replace("%", "%%")


def _list_notices(
    script: ScriptDirectory, scripts: tuple[Script, ...], made_up: frozenset[str] = frozenset()
) -> Iterator[str]:
    if not scripts:
        yield f'there are no revision files in "{_locations(script)}"'
    heads = [one for one in scripts if one.revision in {*script.get_heads()} - made_up]
    # Branches with labels are meant to stay apart.
    if len(heads) > 1 and not all(one.branch_labels for one in heads):
        names = ", ".join(f'"{one.revision}"' for one in heads)
        yield (
            f"there are {len(heads)} heads, {names}: {SEVERAL_HEADS}; "
            "`alembic merge heads` makes one of them"
        )


def _list_strangers(loaded: Loaded) -> Iterator[str]:
    for path in loaded.strangers:
        yield (
            f'"{path}" is no revision; Alembic refuses to load any beside it, for it "could not '
            'determine revision id"'
        )


def _count_unloadable(loaded: Loaded) -> Iterator[str]:
    count = len(loaded.unloadable)
    if count:
        files = "1 revision file" if count == 1 else f"{count} revision files"
        yield f"{files} cannot be loaded; Alembic loads all of them or none"


def _find_script_location(path: Path, config: Config) -> None:
    """Set the script location to where it is, when it is not where Alembic looks."""
    try:
        value = config.get_alembic_option("script_location")
    except (configparser.InterpolationError, CommandError, ValueError, TypeError):
        return
    found = find_location(value, path.absolute().parent)
    if found is not None:
        config.set_main_option("script_location", _escape(found))


def _find_versions(
    path: Path, script: ScriptDirectory, given: Path | FolderProject, wanted: tuple[Path, ...]
) -> Iterator[str]:
    """Set the version locations to where revisions are, when none are where Alembic looks."""
    if isinstance(given, FolderProject):
        _set_versions(script, (given.versions,))
        return
    bases = (path.absolute().parent, *path.absolute().parent.parents)
    named = [Path(one) for one in script.version_locations if ":" not in str(one)]
    if any(not one.is_dir() for one in named):
        beside = [
            next((base / one for base in (Path.cwd(), *bases) if (base / one).is_dir()), one)
            for one in named
        ]
        _set_versions(script, tuple(beside))
    if script.recursive_version_locations or any(map(has_revisions, list_folders(script))):
        return
    found = find_version_folders(Path(script.dir).absolute(), wanted)
    if found:
        _set_versions(script, found)
        names = ", ".join(f'"{show_path(one)}"' for one in found)
        yield f"the revisions in {names} were read, although the configuration does not name it"


def _set_versions(script: ScriptDirectory, folders: tuple[Path, ...]) -> None:
    script.version_locations = [str(one) for one in folders]
    # Alembic keeps the resolved list
    script.__dict__.pop("_version_locations", None)


def _find_places(path: Path, config: Config, script: ScriptDirectory) -> Places:
    locations = [Path(script.dir).absolute(), *list_folders(script)]
    more = config.get_prepend_sys_paths_list() or []
    return find_places(locations, path.absolute().parent, map(str, more))


def _import_all(names: tuple[str, ...], places: Places | None = None) -> None:
    """Import what the project says it needs."""
    for name in names:
        root = None if places is None else places.find_root(name.partition(".")[0])
        if root is not None and str(root) not in sys.path:
            sys.path.append(str(root))
        try:
            import_module(name)
        except (Exception, SystemExit) as error:
            raise ConfigError(
                f'"{name}", which the key "imports" names, cannot be imported: {describe(error)}',
                "install it where safemigrate runs, or take it off the list",
            ) from error


def _advise_location(config: Config) -> str:
    parser = config.file_config
    named = [one for one in parser.sections() if parser.get(one, "script_location", fallback="")]
    if named:
        return (
            f"its section [{named[0]}] does, which only `alembic --name {named[0]}` reads: give"
            " that section a file of its own as [alembic], and name the file with --config"
        )
    return "set script_location in its section [alembic], for example to %(here)s/migrations"


def _open_script_directory(path: Path, config: Config) -> ScriptDirectory:
    try:
        location = config.get_alembic_option("script_location")
        if not location:
            raise ConfigError(
                f'"{show_path(path)}" does not say where the migrations are',
                _advise_location(config),
            )
        script = ScriptDirectory.from_config(config)
    except configparser.InterpolationError as error:
        raise bad_option(path, error) from None
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
    # what the project runs may leave the directory that a relative one counts from
    script.dir = str(Path(script.dir).absolute())
    return script


def _locations(script: ScriptDirectory) -> str:
    return ", ".join(map(show_path, list_folders(script)))
