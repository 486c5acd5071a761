"""One head, or one for each named branch."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from alembic.script import Script

from safemigrate.model import Check, Property, Standing
from safemigrate.source.excerpt import show_path
from safemigrate.verify.stage import HistoryExperiment, Whole

__all__ = ["HEADS"]


def _prove(whole: Whole) -> Iterator[Check]:
    script = whole.project.script
    ids = {*script.get_heads()}
    heads = [one for one in whole.project.revisions() if one.revision in ids]
    heads.sort(key=lambda one: one.revision)
    if len(heads) <= 1:
        yield Check(Property.SINGLE_HEAD, Standing.HOLDS, "" if heads else "there are no revisions")
        return
    faults = tuple(_find_faults(heads))
    if not faults:
        names = ", ".join(f"{_join_labels(one)} at {one.revision}" for one in heads)
        reason = f"{len(heads)} heads, each of a named branch: {names}"
        yield Check(Property.SINGLE_HEAD, Standing.HOLDS, reason)
        return
    yield Check(
        Property.SINGLE_HEAD,
        Standing.BROKEN,
        "; ".join(reason for reason, _ in faults),
        tuple(f"{one.revision} in {show_path(one.path)}" for one in heads),
        _advise([one for _, several in faults for one in several], len(heads)),
        path=show_path(heads[-1].path),
    )


def _find_faults(heads: Iterable[Script]) -> Iterator[tuple[str, list[Script]]]:
    """Yield what is wrong with the heads, and which of them are to be one."""
    by_label: dict[str, list[Script]] = defaultdict(list)
    unnamed = []
    named = False
    for head in heads:
        if not head.branch_labels:
            unnamed.append(head)
        for label in head.branch_labels:
            named = True
            by_label[label].append(head)
    if len(unnamed) > 1:
        ids = " and ".join(one.revision for one in unnamed)
        yield f"{len(unnamed)} heads of no named branch: {ids}", unnamed
    elif unnamed and named:
        yield f"head {unnamed[0].revision} is of no named branch, beside heads that are", unnamed
    told: set[tuple[str, ...]] = set()
    for label, several in sorted(by_label.items()):
        ids_ = tuple(one.revision for one in several)
        # one branch may have several names
        if len(several) > 1 and ids_ not in told:
            told.add(ids_)
            yield f"branch {label} has {len(several)} heads: {' and '.join(ids_)}", several


def _join_labels(head: Script) -> str:
    return " = ".join(sorted(head.branch_labels))


def _advise(heads: list[Script], count: int) -> str:
    """Return what to do about some of `count` heads; a branch with a name is meant to stay."""
    if len(heads) == 1:
        return (
            "give its branch a name, too, by branch_labels in the branch's first revision; the "
            "branches that have one are meant to stay apart"
        )
    ids = list(dict.fromkeys(one.revision for one in heads))
    way = f"make one of them: `alembic merge {' '.join(ids)}`"
    return f"{way} (`alembic merge heads` merges all)" if len(ids) == count else way


HEADS = HistoryExperiment((Property.SINGLE_HEAD,), _prove)
