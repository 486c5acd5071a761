"""What `explain` says of each revision before any server has seen it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from safemigrate.facts import walk
from safemigrate.model import Catalog, Direction, History, Passage, ServerVersion, Timeline
from safemigrate.source import Project, read_history, record

__all__ = ["Foreknowledge"]


@dataclass(frozen=True)
class Foreknowledge:
    """What every revision would do on a server of that version, told without a database.

    It is found out when somebody asks, which takes long, and raises what `record` raises. Whoever
    will ask does so first before any revision runs: what a revision has imported by then would not
    be the recorded one.
    `remembered_imports`: the modules that are imported first, where what was recorded before may be
    used; None where it may not.
    """

    project: Project
    version: ServerVersion
    remembered_imports: tuple[str, ...] | None = None

    @cached_property
    def passages(self) -> Mapping[tuple[str, Direction], Passage]:
        """The passages of the history by revision and direction."""
        return {
            (one.migration.revision, one.direction): one
            for one in self._timeline.passages
            if one.migration.revision is not None and one.database == 0
        }

    @property
    def end(self) -> Catalog:
        """What exists when the whole history has run."""
        return self._timeline.end

    @cached_property
    def _timeline(self) -> Timeline:
        return walk(self.history, before=Catalog(), version=self.version)

    @cached_property
    def unjudged(self) -> Mapping[str, str]:
        """Revision → why it could not be recorded."""
        return {
            one.revision: entry.reason
            for one in self.history.migrations
            if one.revision is not None
            for entry in one.unjudged
        }

    @cached_property
    def history(self) -> History:
        """The history as it was recorded."""
        if self.remembered_imports is None:
            return record(self.project, version=self.version)
        return read_history(
            self.project.config_path, version=self.version, imports=self.remembered_imports
        )

    def passage(self, revision: str, direction: Direction) -> Passage | None:
        """Return what is foreseen of a revision, None where it could not be recorded."""
        return self.passages.get((revision, direction))
