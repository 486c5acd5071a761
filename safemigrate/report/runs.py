"""What a run did, as one line."""

from safemigrate.execute import RunReport, describe_duration
from safemigrate.model import Direction
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count

__all__ = ["format_run"]


def format_run(run: RunReport, paint: Paint) -> str:
    """Return the last line of the report."""
    place = f"database is at {', '.join(run.heads) or 'base'}"
    if not run.applied:
        return f"nothing to do, {place}\n"
    verb = "applied" if run.direction is Direction.UPGRADE else "took back"
    done = paint(f"{verb} {count(len(run.applied), 'revision')}", Tone.GOOD)
    return f"{done} in {describe_duration(run.duration)}, {place}\n"
