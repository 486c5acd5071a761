"""The progress of a run on a terminal: bars below the lines that are told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from safemigrate.execute import Progress, RunEvent
from safemigrate.report.situation import Situation

if TYPE_CHECKING:
    from rich.progress import TaskID

__all__ = ["show_bars"]

_WHOLE = 100


@contextmanager
def show_bars(
    stream: TextIO, format_event: Callable[[RunEvent], tuple[str, ...]]
) -> Iterator[Progress]:
    """Yield what a run reports to: lines on `stream`, and two bars that move below them.

    One counts the revisions; the other tells what is done at the moment, with a clock, and with
    how far it is where that is known. They are gone at the end.
    """
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - the same
    from rich.progress import Progress as Bars  # noqa: PLC0415 - the same
    from rich.table import Column  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    console = Console(file=stream, highlight=False, soft_wrap=True)
    columns = (
        SpinnerColumn(),
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[measure]}"),
        TimeElapsedColumn(),
    )
    situation = Situation()
    with Bars(*columns, console=console, transient=True, expand=True) as bars:
        revisions = bars.add_task("revisions", total=None, visible=False, measure="")
        current = bars.add_task(situation.doing, total=None, measure="")

        def progress(event: RunEvent) -> None:
            for line in format_event(event):
                console.print(Text.from_ansi(line))
            before = situation.since
            situation.follow(event)
            if situation.since != before:
                bars.reset(current, total=None)
            _move(bars, revisions, current, situation)

        yield progress


def _move(bars: "_Bars", revisions: "TaskID", current: "TaskID", situation: Situation) -> None:
    if situation.count:
        bars.update(
            revisions,
            description=f"revision {max(situation.position, 1)} of {situation.count}",
            total=situation.count,
            completed=situation.done,
            measure=f"{situation.done}/{situation.count}",
            visible=True,
        )
    percent = situation.percent
    bars.update(
        current,
        description=situation.doing,
        total=None if percent is None else _WHOLE,
        completed=percent or 0,
        measure="" if percent is None else f"{percent} %",
    )


if TYPE_CHECKING:
    from rich.progress import Progress as _Bars
