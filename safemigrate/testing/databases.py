"""Databases at revisions, for tests of the application: made once, and copied for each test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from safemigrate.errors import SafemigrateError
from safemigrate.model import Direction
from safemigrate.server import Server
from safemigrate.testing.places import Site, describe_error, find_server, find_site
from safemigrate.testing.recorder import not_recording
from safemigrate.verify.bench import Move, open_bench
from safemigrate.verify.foreknowledge import Foreknowledge
from safemigrate.verify.preparing import prepared
from safemigrate.verify.selection import choose_revisions, find_ancestors

__all__ = ["making_databases"]

_BASE = "base"


@dataclass(slots=True)
class _Templates:
    """The databases that are copied, by the revisions applied in them."""

    site: Site
    server: Server
    made: dict[frozenset[str], str] = field(default_factory=dict)

    def copy(self, name: str) -> str:
        """Return the name of a new database at the revision; raises UsageError for none such."""
        project = self.site.project
        chosen = frozenset() if name == _BASE else choose_revisions(project, (name,))
        wanted = find_ancestors(project.revisions(), chosen)
        if wanted not in self.made:
            self.made[wanted] = self._make(wanted)
        return self.server.copy_database(self.made[wanted])

    def _make(self, wanted: frozenset[str]) -> str:
        """Make the template out of the one that is nearest to it."""
        nearest = max((one for one in self.made if one <= wanted), key=len, default=None)
        project, choices = self.site.project, self.site.choices
        foreknowledge = Foreknowledge(project, self.server.version)
        with prepared(project, self.server, choices, foreknowledge) as footing:
            template = footing.base if nearest is None else self.made[nearest]
            database = self.server.create_database(template)
            moves = [
                Move(script, Direction.UPGRADE)
                for script in project.revisions()
                if script.revision in wanted - (nearest or frozenset())
                and script not in footing.applied
            ]
            with open_bench(project, self.server, database) as bench:
                fault = bench.run(moves)
        if fault is not None:
            self.server.drop_database(database)
            pytest.fail(f"the migrations cannot be applied: {fault.reason}", pytrace=False)
        return database


_TEMPLATES = pytest.StashKey[_Templates]()


@contextmanager
def making_databases(config: pytest.Config) -> Iterator[Callable[[str], str]]:
    """Yield a function that makes a database at a revision and returns its URL.

    The databases are dropped at the end.
    """
    names: list[str] = []

    def make(revision: str) -> str:
        try:
            with not_recording():
                names.append(_find_templates(config).copy(revision))
        except SafemigrateError as error:
            pytest.fail(describe_error(error), pytrace=False)
        return find_server(config).url(names[-1])

    try:
        yield make
    finally:
        for name in names:
            find_server(config).drop_database(name)


def _find_templates(config: pytest.Config) -> _Templates:
    if _TEMPLATES not in config.stash:
        config.stash[_TEMPLATES] = _Templates(find_site(config), find_server(config))
    return config.stash[_TEMPLATES]
