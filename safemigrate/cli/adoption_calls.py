"""Where a shell script runs a command of safemigrate, and whether that is for one project."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from pathlib import Path
from string import Template

import click
from click.core import ParameterSource

from safemigrate.cli.lint import command as lint
from safemigrate.cli.pull_request import command as pull_request
from safemigrate.source.folders import has_alembic_table

__all__ = ["Subject", "Use", "find_use"]

_COMMANDS = {"lint": lint, "pull-request": pull_request}
_SHELLS = frozenset({"bash", "dash", "sh", "zsh"})
_SAYING = frozenset({":", "echo", "printf"})
_PUNCTUATION = "();<>|&"
_INI, _TOML = "alembic.ini", "pyproject.toml"


class Use(IntEnum):
    """For whom something runs safemigrate; of several the greatest counts."""

    NONE = 0
    OTHER = 1
    UNSURE = 2
    OURS = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """The project that is asked about; all paths are absolute and resolved.

    `top`: of the repository. `config`: of Alembic. `locations`: the folders of its revisions.
    """

    top: Path
    config: Path
    locations: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    """A command that a script runs.

    `folder`: where, relative to the top. `words`: what stands behind the name of the command.
    """

    folder: str
    words: tuple[str, ...]


def find_use(
    subject: Subject,
    command: str,
    script: str,
    *,
    folder: str = "",
    variables: Mapping[str, object] | None = None,
) -> Use:
    """Return for whom a script runs a command.

    `folder`: where it starts, relative to the top. `variables`: of its environment, as far as they
    are known.
    """
    known = {"CI_PROJECT_DIR": subject.top, "GITHUB_WORKSPACE": subject.top, **(variables or {})}
    start, text = (Template(one).safe_substitute(known) for one in (folder, script))
    calls = _list_calls(text, command, start)
    return max((_judge(subject, command, call) for call in calls), default=Use.NONE)


def _list_calls(script: str, command: str, folder: str) -> Iterator[_Call]:
    """Yield the calls of a script, as far as they can be read without running it."""
    kept: list[str] = []
    for line in script.replace("\\\n", " ").splitlines():
        words: list[str] = []
        # the end of a line is the end of a command
        for token in (*_split(line), ";"):
            if token.strip(_PUNCTUATION):
                words.append(token)
                continue
            yield from _read_command(words, command, folder)
            folder = _change_folder(words, folder)
            words = []
            for mark in token:
                if mark == "(":
                    kept.append(folder)
                elif mark == ")" and kept:
                    folder = kept.pop()


def _split(line: str) -> Sequence[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=_PUNCTUATION)
    lexer.whitespace_split = True
    try:
        return [*lexer]
    except ValueError:
        return line.split()


def _read_command(words: Sequence[str], command: str, folder: str) -> Iterator[_Call]:
    """Yield the calls of one command, whose words these are."""
    if not words or words[0] in _SAYING:
        return
    for number, (word, following) in enumerate(pairwise(words)):
        program = Path(word).name
        if program in _SHELLS and following.startswith("-") and following.endswith("c"):
            yield from _list_calls(" ".join(words[number + 2 : number + 3]), command, folder)
            return
        if word == "--directory":
            folder = _join(folder, following)
        if program.partition("@")[0] == "safemigrate" and following == command:
            yield _Call(folder, tuple(words[number + 2 :]))
            return


def _change_folder(words: Sequence[str], folder: str) -> str:
    is_change = len(words) > 1 and words[0] in {"cd", "pushd"}
    return _join(folder, words[1]) if is_change else folder


def _join(folder: str, name: str) -> str:
    return (Path(folder) / name).as_posix()


def _judge(subject: Subject, command: str, call: _Call) -> Use:
    folder = (subject.top / call.folder).resolve()
    if "$" in call.folder or not _exists(folder):
        return Use.UNSURE
    config, paths = _read_words(command, call.words)
    if config is not None:
        if "$" in config:
            return Use.UNSURE
        return Use.OURS if (folder / config).resolve() == subject.config else Use.OTHER
    named = [(folder / one).resolve() for one in paths if _exists(folder / one)]
    if named:
        return Use.OURS if any(_is_of(one, subject) for one in named) else Use.OTHER
    return Use.OURS if _is_found_from(folder, subject.config) else Use.OTHER


def _read_words(command: str, words: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Return the configuration that is named, and the paths, as the command itself reads them."""
    context: click.Context = _COMMANDS[command].make_context(
        command, [*words], resilient_parsing=True
    )
    is_named = context.get_parameter_source("config") is ParameterSource.COMMANDLINE
    config = str(context.params["config"] or "") if is_named else None
    return config, tuple(map(str, context.params.get("paths") or ()))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        # whatever stands in a script may be too long for a name
        return False


def _is_of(path: Path, subject: Subject) -> bool:
    return any(
        path.is_relative_to(location) or location.is_relative_to(path)
        for location in subject.locations
    )


def _is_found_from(folder: Path, config: Path) -> bool:
    """Return whether the configuration is the one that a command there takes without being told."""
    here = [folder / _INI] if (folder / _INI).is_file() else []
    if not here and has_alembic_table(folder / _TOML):
        # either name stands for it
        return config.parent == folder and config.name in {_INI, _TOML}
    return [one.resolve() for one in here or folder.glob(f"*/{_INI}")] == [config]
