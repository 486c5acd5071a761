"""What everything that takes part in a run goes by."""

from collections.abc import Callable
from dataclasses import dataclass

from safemigrate.execute.events import Progress
from safemigrate.execute.plan import Plan
from safemigrate.execute.site import Site
from safemigrate.execute.stopping import StopSignal

__all__ = ["StopRunError", "Surroundings"]


class StopRunError(Exception):
    """The run has to stop here; the message says why. Never leaves the package."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A plan, the place where it is executed, and who is told of it.

    `sleep`: waits for that many seconds, less when a signal comes. `report`: takes events, from any
    thread.
    """

    plan: Plan
    site: Site
    stop: StopSignal
    sleep: Callable[[float], object]
    report: Progress

    def now(self) -> float:
        """Return the seconds of the run's clock."""
        return self.plan.settings.timing.now()

    def remaining(self) -> float:
        """Return the seconds to the deadline; negative when it is past."""
        return self.plan.deadline - self.now()

    def check_stop(self) -> None:
        """Raise StopRunError when the run was asked to stop."""
        if self.stop.received:
            raise StopRunError(f"stopped by {self.stop.received}")
