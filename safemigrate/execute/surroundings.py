"""What everything that takes part in a run goes by."""

from collections.abc import Callable
from dataclasses import dataclass

from safemigrate.execute.events import Progress
from safemigrate.execute.patience import Patience
from safemigrate.execute.plan import Plan
from safemigrate.execute.site import Site
from safemigrate.execute.stopping import StopRunError, StopSignal

__all__ = ["StopRunError", "Surroundings"]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A plan, the place where it is executed, and who is told of it.

    `patience`: what the run has waited, and may. `report`: takes events, from any thread.
    """

    plan: Plan
    site: Site
    stop: StopSignal
    patience: Patience
    pause: Callable[[float], object]
    report: Progress

    def now(self) -> float:
        """Return the seconds of the run's clock."""
        return self.plan.settings.timing.now()

    def remaining(self) -> float:
        """Return for how many seconds the run may still wait; negative when that is used up."""
        return self.patience.remaining

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds, less when a signal comes, and count it as waiting."""
        with self.patience.waiting():
            self.pause(seconds)

    def check_stop(self) -> None:
        """Raise StopRunError when the run was asked to stop."""
        if self.stop.received:
            raise StopRunError(f"stopped by {self.stop.received}")
