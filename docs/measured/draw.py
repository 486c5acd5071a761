"""Draw what was measured: one SVG for an experiment, to stand inline in a page.

Colours and fonts are the page's own, through variables of CSS, so one drawing does for light and
dark. The same JSON gives the same text.
"""

import io
import re

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from docs.measured.figures import Bar, Experiment, Timeline

__all__ = ["draw"]

# Colours that stand for variables: replaced in the text of the SVG.
_COLOURS = {
    "#010203": "currentColor",
    "#010204": "var(--drawing-faint)",
    "#010205": "var(--drawing-read)",
    "#010206": "var(--drawing-write)",
    "#010207": "var(--drawing-third)",
    "#010208": "var(--drawing-fourth)",
}
_TEXT, _FAINT, _READ, _WRITE, _THIRD, _FOURTH = _COLOURS
_WIDTH_INCHES = 5.5
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "safemigrate",
    "font.size": 11,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _TEXT,
    "axes.titlecolor": _TEXT,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": _TEXT,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "xtick.labelcolor": _TEXT,
    "ytick.labelcolor": _TEXT,
    "grid.color": _FAINT,
    "grid.linewidth": 0.4,
    "legend.frameon": False,
    "legend.fontsize": 11,
}
_TICKS_MS = {0.1: "0.1 ms", 1: "1 ms", 10: "10 ms", 100: "0.1 s", 1000: "1 s", 10_000: "10 s"}
_MILLION, _THOUSAND = 1_000_000, 1000


def draw(experiment: Experiment) -> str:
    """Return the drawing as an SVG element, without a size of its own."""
    with mpl.rc_context(_STYLE):
        figure = Figure(layout="constrained")
        if experiment.timelines:
            _draw_timelines(figure, experiment.timelines)
        elif experiment.bars:
            _draw_bars(figure, experiment.bars)
        else:
            _draw_lines(figure, experiment)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _make_inline(out.getvalue(), experiment.name)


def _draw_timelines(figure: Figure, timelines: tuple[Timeline, ...]) -> None:
    figure.set_size_inches(_WIDTH_INCHES, 2.5 * len(timelines) + 0.4)
    rows = figure.subplots(len(timelines), 1, sharex=True, sharey=True, squeeze=False)
    for (axes,), timeline in zip(rows, timelines, strict=True):
        begins = [number * timeline.bin_s for number in range(len(timeline.reads_ms))]
        for latencies, colour in ((timeline.reads_ms, _READ), (timeline.writes_ms, _WRITE)):
            known = [
                (x, y) for x, y in zip(begins, latencies, strict=True) if y is not None and y > 0
            ]
            axes.plot(*zip(*known, strict=True), color=colour, linewidth=1.6)
        for span in timeline.spans[:1]:
            axes.axvspan(span.from_s, span.to_s, color=_FAINT, alpha=0.15, linewidth=0)
        axes.set_title(f"{timeline.title}: at worst {_tell_ms(timeline.worst_ms)}")
        _scale_ms(axes)
    rows[-1][0].set_xlabel("seconds")
    handles = [
        Patch(color=_READ, label="SELECT"),
        Patch(color=_WRITE, label="UPDATE"),
        Patch(color=_FAINT, alpha=0.3, label=timelines[0].spans[0].what.split(" accounts_")[0]),
    ]
    if len({timeline.spans[0].what for timeline in timelines}) > 1:
        handles[-1].set_label("the statement runs")
    figure.legend(handles=handles, loc="outside upper left", ncols=3, handlelength=1)


def _draw_bars(figure: Figure, bars: tuple[Bar, ...]) -> None:
    figure.set_size_inches(_WIDTH_INCHES, 0.8 * len(bars) + 0.8)
    axes = figure.subplots()
    places = range(len(bars) - 1, -1, -1)
    height = 0.22
    for offset, colour, figures in (
        (0.06, _READ, [bar.worst_read_ms for bar in bars]),
        (-0.18, _WRITE, [bar.worst_write_ms for bar in bars]),
    ):
        axes.barh([place + offset for place in places], figures, height, color=colour)
        for place, value in zip(places, figures, strict=True):
            axes.text(value * 1.08, place + offset, _tell_ms(value), va="center", fontsize=10)
    for place, bar in zip(places, bars, strict=True):
        label = f"{bar.group}, {bar.title}: {_tell_ms(bar.took_ms)} in all"
        axes.text(1.0, place + 0.24, label, va="bottom")
    axes.set_xscale("log")
    top = max(max(bar.worst_read_ms, bar.worst_write_ms) for bar in bars)
    axes.set_xlim(0.9, top * 4)
    axes.set_ylim(-0.4, len(bars) - 0.3)
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator([one for one in _TICKS_MS if 1 <= one <= top]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_name_tick))
    handles = [
        Patch(color=_READ, label="longest SELECT"),
        Patch(color=_WRITE, label="longest UPDATE"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, handlelength=1)


def _draw_lines(figure: Figure, experiment: Experiment) -> None:
    figure.set_size_inches(_WIDTH_INCHES, 4.2)
    axes = figure.subplots()
    colours = (_WRITE, _THIRD, _READ, _FOURTH)
    markers = ("o", "s", "^", "D")
    for line, colour, marker in zip(experiment.lines, colours, markers, strict=True):
        axes.plot(line.rows, line.took_ms, color=colour, marker=marker, label=line.title)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(experiment.lines[0].rows)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_name_rows))
    axes.set_xlabel("rows in the table")
    _scale_ms(axes)
    figure.legend(loc="outside upper left", ncols=1, handlelength=2)


def _scale_ms(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(FixedLocator(list(_TICKS_MS)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_name_tick))
    axes.grid(axis="y")


def _name_tick(value: float, _place: int) -> str:
    return _TICKS_MS[value]


def _name_rows(value: float, _place: int) -> str:
    if value >= _MILLION:
        return f"{value / _MILLION:g} M"
    return f"{value / _THOUSAND:.0f} k" if value >= _THOUSAND else f"{value:.0f}"


def _tell_ms(value: float) -> str:
    """Return a latency as one says it."""
    return f"{value / 1000:.1f} s" if value >= _THOUSAND else f"{value:.0f} ms"


def _make_inline(text: str, name: str) -> str:
    """Return the SVG element alone, with variables for colours, and ids that are its own."""
    element = text[text.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", element, flags=re.DOTALL)
    # its one rule is for every element, and so for the whole page
    element = re.sub(r"<style.*?</style>", "", element, flags=re.DOTALL)
    element = re.sub(r'(<svg\b[^>]*?) width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg\b[^>]*?) height="[^"]*"', r"\1", element, count=1)
    for colour, variable in _COLOURS.items():
        element = element.replace(colour, variable)
    element = re.sub(r"(font: [\d.]+px )[^;\"]*", r"\1inherit", element)
    element = re.sub(r"font-family: [^;\"]*", "font-family: inherit", element)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", element)
