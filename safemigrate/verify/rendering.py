"""A revision rendered as SQL by Alembic's offline mode, through the project's own env.py."""

import inspect
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import Script
from alembic.util.langhelpers import ModuleClsProxy

from safemigrate.source import Project
from safemigrate.source.connecting import ConnectionWatch
from safemigrate.source.excerpt import Origin, describe, find_origin
from safemigrate.source.quarantine import quarantine
from safemigrate.source.url import main_url, parse_url

__all__ = ["Rendering", "render_upgrade"]


@dataclass(frozen=True, slots=True)
class Rendering:
    """What came of it.

    `has_mode`: env.py asks whether it runs offline. `has_run`: it came to the revision.
    `text`: the SQL. `error`: why there is none, or "". `origin`: where in the revision's file.
    """

    has_mode: bool
    has_run: bool
    text: str = ""
    error: str = ""
    origin: Origin | None = None


def render_upgrade(project: Project, script: Script, heads: Sequence[str], url: str) -> Rendering:
    """Return what `alembic upgrade HEADS:REVISION --sql` writes for the revision.

    `heads`: what the version table has before it. `url`: the database to connect to, should env.py
    do that all the same. Nothing of the project's code that fails is raised.
    """
    environment = _OfflineEnvironment(project, script, heads)
    target = parse_url(url)
    error: BaseException | None = None
    try:
        with (
            quarantine(is_silent=True),
            main_url(project.config, target),
            ConnectionWatch(target),
            environment,
        ):
            project.script.run_env()
    except (Exception, SystemExit) as err:  # noqa: BLE001 - anybody's code
        error = err
    return Rendering(
        environment.has_mode,
        environment.has_run,
        environment.buffer.getvalue(),
        "" if error is None else describe(error),
        None if error is None else find_origin(error, script.path),
    )


class _OfflineEnvironment(EnvironmentContext):
    """Alembic's environment context in offline mode, for one revision; it writes to `buffer`."""

    def __init__(self, project: Project, script: Script, heads: Sequence[str]) -> None:
        super().__init__(
            project.config,
            project.script,
            fn=self._work,
            as_sql=True,
            starting_rev=tuple(heads) or None,
            destination_rev=script.revision,
            tag=None,
        )
        self.buffer = io.StringIO()
        self.has_mode = False
        self.has_run = False
        self._step = RevisionStep(project.script.revision_map, script, is_upgrade=True)

    def is_offline_mode(self) -> bool:
        """Return that it is, and note that it was asked."""
        self.has_mode = True
        return super().is_offline_mode()

    def configure(self, *args: Any, **kwargs: Any) -> None:
        """Configure as env.py asks, but for where the SQL is written to."""
        bound = _CONFIGURE.bind(self, *args, **kwargs)
        bound.arguments["output_buffer"] = self.buffer
        bound.arguments.get("kw", {}).pop("output_encoding", None)
        super().configure(*bound.args[1:], **bound.kwargs)

    def _work(self, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        del heads, context
        if not self.has_run:
            # of several databases it is the first that is compared
            self.has_run = True
            yield self._step


_CONFIGURE = inspect.signature(EnvironmentContext.configure)

# `from alembic import context` is made of functions that Alembic keeps by class.
ModuleClsProxy._setups[_OfflineEnvironment] = ModuleClsProxy._setups[EnvironmentContext]  # noqa: SLF001 - a subclass has no other way to stand behind alembic.context
