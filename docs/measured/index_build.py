"""An index built while the application writes, at once and CONCURRENTLY."""

from docs.measured.application import draw_timeline
from docs.measured.figures import Experiment
from docs.measured.ground import Ground, choose_median, prepare_accounts
from docs.measured.ways import Trial, Way, try_way

__all__ = ["NAME", "WAYS", "measure"]

NAME = "index-build"
_UNDO = ("DROP INDEX accounts_holder_idx",)
WAYS = (
    Way("", "CREATE INDEX", ("CREATE INDEX accounts_holder_idx ON accounts (holder)",), _UNDO),
    Way(
        "",
        "CREATE INDEX CONCURRENTLY",
        ("CREATE INDEX CONCURRENTLY accounts_holder_idx ON accounts (holder)",),
        _UNDO,
    ),
)


def measure(ground: Ground) -> Experiment:
    """Return a timeline for each way to build the index."""
    name = prepare_accounts(ground.server, ground.rows)
    url = ground.server.url(name)

    def try_again(way: Way) -> Trial:
        tries = [try_way(ground, url, way) for _ in range(ground.repeats)]
        return choose_median(tries, lambda trial: trial.worst_ms)

    trials = [(way, try_again(way)) for way in WAYS]
    ground.server.drop_database(name)
    timelines = tuple(draw_timeline(way.title, one.requests, one.spans) for way, one in trials)
    return Experiment(version=1, name=NAME, about=ground.describe(), timelines=timelines)
