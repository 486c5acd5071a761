"""Sqitch: `sqitch.plan`, and a file for each change in `deploy` and in `revert`, run by psql."""

import re
from pathlib import Path

from safemigrate.errors import SourceError
from safemigrate.source.excerpt import show_path
from safemigrate.source.sql_tools.folders import Folder
from safemigrate.source.sql_tools.layouts import Found, Part, Step
from safemigrate.source.sql_tools.scripts import Wrapping
from safemigrate.source.text import read_text

__all__ = ["Sqitch"]

_CHANGE = re.compile(r"(?P<name>[^\s%@#\[\]:][^\s\[\]:#@]*)(?:\s|$)")
_TAG = re.compile(r"@(?P<tag>[^\s]+)")
_ENGINE = re.compile(r"^\s*engine\s*=\s*(?P<engine>\w+)", re.MULTILINE)


class Sqitch:
    """A plan, with a file for each way of each change."""

    name = "Sqitch"
    rule = "as psql runs them: transactions are those in the files"

    def recognises(self, folder: Folder) -> bool:
        """Return whether the plan is there, and files to deploy."""
        return (folder.path / "sqitch.plan").is_file() and (folder.path / "deploy").is_dir()

    def read(self, folder: Folder) -> Found:
        """Return the changes in the order of the plan; raises SourceError for one without file."""
        names = _read_plan(read_text(folder.path / "sqitch.plan"))
        engine = _read_engine(folder.path / "sqitch.conf")
        if engine not in {"", "pg"}:
            what = f'{len(names)} left out: "sqitch.conf" says that they are for {engine}'
            return Found((), (f"Sqitch changes: {what}",))
        steps = []
        for name in names:
            deploy = folder.path / "deploy" / f"{name}.sql"
            if not deploy.is_file():
                raise SourceError(
                    f'there is no "{show_path(deploy)}", which "sqitch.plan" lists',
                    "add the file, or take the change out of the plan",
                )
            revert = folder.path / "revert" / f"{name}.sql"
            down = Part(revert, Wrapping.NOTHING) if revert.is_file() else None
            steps.append(Step(Part(deploy, Wrapping.NOTHING), down))
        return Found(tuple(steps), ignored=folder.files)


def _read_engine(settings: Path) -> str:
    found = _ENGINE.search(read_text(settings)) if settings.is_file() else None
    return "" if found is None else found["engine"]


def _read_plan(plan: str) -> list[str]:
    """Return the stems of the changes' files, in order.

    A change that is there again has been made anew: the file of the older one has the tag behind it
    in its name.
    """
    stems: list[str] = []
    last: dict[str, int] = {}
    tags: list[tuple[int, str]] = []
    for line in plan.splitlines():
        text = line.strip()
        if tag := _TAG.match(text):
            tags.append((len(stems), tag["tag"]))
        elif change := _CHANGE.match(text):
            name = change["name"]
            if name in last:
                old = last[name]
                tag_name = next((one for place, one in tags if place > old), "")
                stems[old] = f"{name}@{tag_name}"
            last[name] = len(stems)
            stems.append(name)
    return stems
