"""What a shell offers for a word that is half written; never an error, and never code of a project.

The imports are inside the functions: who completes a word waits for it.
"""
# ruff: noqa: PLC0415

import functools
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "complete_checks",
    "complete_properties",
    "complete_references",
    "complete_revisions",
    "complete_rules",
]

# A name and what it is, "" where that says nothing.
_Offer = tuple[str, str]
_Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]

_GIT_SECONDS = 2
_HELP_LENGTH = 60


def _offering(find: Callable[[click.Context], Iterable[_Offer]]) -> _Complete:
    """Return a callback of click's that offers what begins as the word does."""

    @functools.wraps(find)
    def complete(
        context: click.Context, _: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        try:
            found = list(find(context))
        except Exception:  # noqa: BLE001 - a message would land in the line that is being written
            return []
        return [
            CompletionItem(name, help=about or None)
            for name, about in found
            if name.startswith(incomplete)
        ]

    return complete


@_offering
def complete_rules(_: click.Context) -> Iterable[_Offer]:
    """Offer the names of the rules."""
    from safemigrate.lint import rules

    return [(name, _shorten(rule.summary)) for name, rule in rules().items()]


@_offering
def complete_properties(_: click.Context) -> Iterable[_Offer]:
    """Offer the names of the properties, and of their families."""
    from safemigrate.model import Property

    families = sorted({one.family.value for one in Property})
    return [
        *((one.value, _shorten(one.sentence)) for one in Property),
        *((family, "all of this family") for family in families),
    ]


@_offering
def complete_checks(_: click.Context) -> Iterable[_Offer]:
    """Offer the names of the checks of a schema, and of their categories."""
    from safemigrate.review import list_checks

    checks = list_checks()
    categories = sorted({one.category.value for one in checks.values()})
    return [
        *((name, _shorten(one.sentence)) for name, one in checks.items()),
        *((category, "all of this category") for category in categories),
    ]


@_offering
def complete_references(_: click.Context) -> Iterable[_Offer]:
    """Offer the branches and tags of the repository around the current directory."""
    git = shutil.which("git")
    if git is None:
        return []
    asked = [git, "for-each-ref", "--format=%(refname:short)", "--count=500"]
    asked += ["refs/heads", "refs/remotes", "refs/tags"]
    done = subprocess.run(  # noqa: S603 - the arguments are these
        asked,
        capture_output=True,
        check=True,
        text=True,
        timeout=_GIT_SECONDS,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    return [(name, "") for name in done.stdout.split()]


@_offering
def complete_revisions(context: click.Context) -> Iterable[_Offer]:
    """Offer the revisions of the project, and Alembic's words for its ends."""
    from alembic.script import ScriptDirectory

    from safemigrate.source.alembic_config import read_config
    from safemigrate.source.loading import list_folders
    from safemigrate.source.script_facts import read_facts

    config = context.params.get("config") or Path(os.environ.get("ALEMBIC_CONFIG", "alembic.ini"))
    offers = [("heads", "the newest revisions"), ("base", "before the first revision")]
    settings = read_config(Path(config))
    if _names_package(settings):
        return offers
    for folder in list_folders(ScriptDirectory.from_config(settings)):
        for path in sorted(folder.rglob("*.py")):
            # read, and not imported: no key is to run what a project has written
            facts = read_facts(path.read_text(encoding="utf-8", errors="replace"))
            if facts is not None:
                offers.append((facts.revision, _shorten(facts.doc)))
                offers += ((label, _shorten(facts.doc)) for label in facts.branch_labels)
    return offers


def _names_package(settings: "Config") -> bool:
    """Return whether Alembic would import a package to find the folders: that runs its code."""
    options = (
        settings.get_alembic_option(name) for name in ("script_location", "version_locations")
    )
    return any(":" in (option or "") for option in map(str, options))


def _shorten(text: str) -> str:
    """Return the first line, short enough to stand behind a name."""
    first = text.strip().partition("\n")[0].strip()
    return first if len(first) <= _HELP_LENGTH else f"{first[: _HELP_LENGTH - 1].rstrip()}…"
