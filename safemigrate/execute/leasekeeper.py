"""The keeper of the lease: writes what a run is doing for as long as it goes on."""

import threading
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.control import ControlLostError
from safemigrate.execute.events import (
    BuildProgressed,
    RevisionFinished,
    RevisionStarted,
    RunEvent,
    RunPlanned,
)
from safemigrate.execute.lease import Tenant, find_tenant, remove_lease, write_lease
from safemigrate.execute.site import Site
from safemigrate.source import find_sqlstate
from safemigrate.source.sqlstates import INSUFFICIENT_PRIVILEGE, READ_ONLY_TRANSACTION

__all__ = ["LeaseKeeper"]

_RENEWAL_SECONDS = 3.0
# How often at most: a run of many small revisions is not held up by telling of each.
_SHORTEST_SECONDS = 0.2
_LASTING = frozenset({INSUFFICIENT_PRIVILEGE, READ_ONLY_TRANSACTION})


class LeaseKeeper:
    """Writes the lease when the block begins, renews it, and removes it at the end.

    The deploy lock must be held by the site's control connection, which it writes over. Nothing
    that goes wrong here is the run's concern: what counts is the lock.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._tenant: Tenant | None = None
        self._opened = 0
        self._revision = ""
        self._doing = "looking at what is pending"
        self._is_over = False
        self._is_news = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._keep, name="safemigrate-lease", daemon=True)

    def __enter__(self) -> Self:
        self._opened = self._site.control.opened
        self._tenant = self._site.control.run(find_tenant)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._thread.join()

    def note(self, event: RunEvent) -> None:
        """Take from an event what the run is doing now; from any thread, and at once."""
        doing = self._describe(event)
        if not doing:
            return
        with self._changed:
            self._doing, self._is_news = doing, True
            self._changed.notify()

    def _describe(self, event: RunEvent) -> str:
        """Return what is done from now on, "" where the event does not change it."""
        match event:
            case RunPlanned():
                return "about to begin"
            case RevisionStarted():
                name = f"{event.revision.revision} {event.revision.message}".rstrip()
                self._revision = f"revision {event.position} of {event.count}: {name}"
                return self._revision
            case BuildProgressed() if event.percent is not None:
                return f"{self._revision} ({event.phase}, {event.percent} %)"
            case BuildProgressed():
                return f"{self._revision} ({event.phase})"
            case RevisionFinished():
                return f"{self._revision}, done"
            case _:
                return ""

    def _keep(self) -> None:
        while self._write():
            with self._changed:
                self._changed.wait_for(lambda: self._is_over or self._is_news, _RENEWAL_SECONDS)
                # several events in a row make one row
                if self._changed.wait_for(lambda: self._is_over, _SHORTEST_SECONDS):
                    break
        else:
            return
        self._remove()

    def _write(self) -> bool:
        """Return whether it is worth while to try again later."""
        tenant = self._tenant
        if tenant is None:
            return False
        with self._changed:
            doing, self._is_news = self._doing, False
        control = self._site.control
        try:
            if control.opened != self._opened:
                # the lock is another session's now
                opened = control.opened
                self._tenant = tenant = control.run(find_tenant)
                self._opened = opened
            self._site.act(lambda connection: write_lease(connection, tenant, doing))
        except ControlLostError:
            # the run itself notices, and may take the lock anew
            return True
        except SQLAlchemyError as err:
            return find_sqlstate(err) not in _LASTING
        return True

    def _remove(self) -> None:
        tenant = self._tenant
        if tenant is None:
            return
        try:
            self._site.act(lambda connection: remove_lease(connection, tenant))
        except (ControlLostError, SQLAlchemyError):
            # it ends with the session all the same
            return
