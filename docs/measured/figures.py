"""What an experiment measured, as it stands in a JSON file, and as the drawing reads it."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import msgspec

__all__ = [
    "FOLDER",
    "About",
    "Bar",
    "Experiment",
    "Line",
    "Span",
    "Timeline",
    "describe_machine",
    "read_experiment",
    "write_experiment",
]

FOLDER = Path(__file__).parent
_GIB = 2**30


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file: no key is too many."""


class About(_Strict):
    """Where, when and on what it was measured.

    `load`: processes that were ready to run on average in the minute before; above `cpus`, the
    machine was busy with something else, and times are longer than they need be.
    `rows`: in the table, or in the largest of the tables. `repeats`: of which each number is the
    median.
    """

    postgresql: str
    settings: str
    cpus: int
    memory_gib: int
    load: float
    measured_on: str
    rows: int
    repeats: int


class Span(_Strict):
    """Something that went on for a while, in seconds from the beginning of its timeline."""

    what: str
    from_s: float
    to_s: float


class Timeline(_Strict):
    """What the application felt over time.

    `reads_ms` and `writes_ms`: the longest of the requests that were due in each `bin_s`; None
    where none was. `slow`: how many requests took over 100 ms.
    """

    title: str
    bin_s: float
    reads_ms: tuple[float | None, ...]
    writes_ms: tuple[float | None, ...]
    spans: tuple[Span, ...]
    requests: int
    slow: int
    worst_ms: float


class Bar(_Strict):
    """One way to do something: what the application felt at worst, and how long it all took."""

    group: str
    title: str
    worst_read_ms: float
    worst_write_ms: float
    took_ms: float


class Line(_Strict):
    """How long a statement took, by the number of rows."""

    title: str
    statement: str
    rows: tuple[int, ...]
    took_ms: tuple[float, ...]


class Experiment(_Strict):
    """One file: an experiment with what it measured, of one kind or another."""

    version: int
    name: str
    about: About
    timelines: tuple[Timeline, ...] = ()
    bars: tuple[Bar, ...] = ()
    lines: tuple[Line, ...] = ()


def describe_machine(version: str, *, rows: int, repeats: int) -> About:
    """Return what is worth knowing of this machine; `version`: what the server says it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return About(
        postgresql=version,
        settings=f"fsync off, data in memory; {platform.system()} {platform.machine()}",
        cpus=os.cpu_count() or 1,
        memory_gib=round(memory / _GIB),
        load=round(os.getloadavg()[0], 1),
        measured_on=datetime.now(UTC).date().isoformat(),
        rows=rows,
        repeats=repeats,
    )


def read_experiment(path: Path) -> Experiment:
    """Return what the file holds; raises msgspec.ValidationError for anything else."""
    return msgspec.json.decode(path.read_bytes(), type=Experiment)


def write_experiment(experiment: Experiment, folder: Path = FOLDER) -> Path:
    """Write the file of the experiment, and return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{experiment.name}.json"
    text = msgspec.json.format(msgspec.json.encode(experiment), indent=1)
    path.write_bytes(text + b"\n")
    return path
