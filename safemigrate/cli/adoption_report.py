"""What `safemigrate init` says: what it found, what it wrote, and what is next."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import join
from textwrap import indent

from safemigrate.cli.adoption import Place, Step
from safemigrate.cli.hooks import HOOK_FILE
from safemigrate.model import Assumption, LintResult, Migration, Timeline, Unjudged
from safemigrate.model.secrets import hide_passwords
from safemigrate.report.excerpt import hide_controls, one_line
from safemigrate.report.findings import count_findings
from safemigrate.report.wording import count
from safemigrate.source.excerpt import show_path

__all__ = ["describe_project", "describe_steps"]

_SHOWN = 5
_LABEL = len("not judged") + 2


def describe_project(config: Path, timeline: Timeline, result: LintResult, server: str) -> str:
    """Return what was found, one line a kind, and a list of what could not be judged.

    `server`: its version, in words. `result`: of the whole history.
    """
    migrations = {one.migration.path: one.migration for one in timeline.passages}
    judged = f"{result.judged} of {count(result.statements, 'statement')}"
    rows = (
        ("revisions", _describe_revisions([*migrations.values()])),
        ("server", hide_passwords(server)),
        ("judged", judged),
        ("findings", _describe_findings(result)),
    )
    lines = [f"Found by {one_line(show_path(config))}:"]
    lines += [f"  {label:<{_LABEL}}{one_line(text)}" for label, text in rows]
    lines += _list_places("not judged", result.unjudged)
    lines += _list_places("assumed", result.assumptions)
    lines += [f"  {'note':<{_LABEL}}{one_line(notice)}" for notice in result.notices]
    return "\n".join((*lines, ""))


def _describe_revisions(migrations: Sequence[Migration]) -> str:
    """Return `3, head "c"`."""
    followed = {previous for one in migrations for previous in one.down_revisions}
    heads = sorted(f'"{one.revision}"' for one in migrations if one.revision not in followed)
    if not heads:
        return "none yet"
    names = ", ".join(heads)
    return f"{len(migrations)}, {'head' if len(heads) == 1 else f'{len(heads)} heads:'} {names}"


def _describe_findings(result: LintResult) -> str:
    found = count_findings(result) or "none"
    return f"{found}; {result.baselined} more in the baseline" if result.baselined else found


def _list_places(label: str, places: Sequence[Unjudged] | Sequence[Assumption]) -> Iterator[str]:
    """Yield how many there are, and the first of them with the reason."""
    if not places:
        return
    revisions = len({one.path for one in places})
    yield f"  {label:<{_LABEL}}{count(len(places), 'place')} in {count(revisions, 'file')}:"
    for one in places[:_SHOWN]:
        yield f"    {hide_controls(one.path)}:{one.line}: {one_line(one.reason)}"
    if len(places) > _SHOWN:
        yield f"    and {len(places) - _SHOWN} more, which safemigrate lint lists"


def describe_steps(steps: Sequence[Step], place: Place, *, is_dry: bool) -> str:
    """Return what was written, or would be, what was left alone, and what is next."""
    written = [step for step in steps if step.change is not None]
    by_hand = [step for step in steps if step.snippet]
    kept = [step for step in steps if step not in written and step not in by_hand]
    lines: list[str] = []
    if written:
        lines += [
            "Would write:" if is_dry else "Written:",
            *_list_steps(written),
            "",
        ]
        lines += [line for step in written if is_dry for line in _show_change(step)]
    if kept:
        lines += ["Kept as it is:", *_list_steps(kept), ""]
    if place.repository is None:
        lines += ["There is no git repository, and so no hook and no workflow.", ""]
    for step in by_hand:
        lines += [f"By hand, in {_show(step.path)}: {one_line(step.about)}.", ""]
        lines += [indent(step.snippet, "    ")]
    if not written:
        rest = "what is left is by hand" if by_hand else "this project uses safemigrate already"
        lines += [f"Nothing to write: {rest}."]
    elif not is_dry:
        lines += _describe_next(written, place)
    return "\n".join(lines).rstrip("\n")


def _list_steps(steps: Sequence[Step]) -> Iterator[str]:
    width = max(len(_show(step.path)) for step in steps)
    for step in steps:
        yield f"  {_show(step.path):<{width}}  {one_line(step.about)}"


def _show(path: Path) -> str:
    return hide_controls(show_path(path))


def _show_change(step: Step) -> Iterator[str]:
    """Yield what comes into a file, but for a baseline, which nobody reads."""
    assert step.change is not None  # noqa: S101 - the caller has looked
    if step.path.suffix == ".json":
        return
    before = step.change.before or b""
    added = step.change.after.removeprefix(before).decode()
    yield f"{'At the end of' if before else 'In'} {_show(step.path)}:"
    yield ""
    yield indent("\n".join(added.strip("\r\n").splitlines()), "    ")
    yield ""


def _describe_next(written: Sequence[Step], place: Place) -> Iterator[str]:
    """Yield what the user does now."""
    lint = join(("safemigrate", "lint", *place.list_options(Path.cwd())))
    yield "Next:"
    yield f"  {lint}"
    if place.repository is None:
        return
    names = [_show(step.path) for step in written]
    yield f"  {join(('git', 'add', *names))}"
    if any(step.path.name == HOOK_FILE for step in written):
        yield "  pre-commit install"
