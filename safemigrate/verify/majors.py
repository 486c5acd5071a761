"""H25: what holds on one major version of PostgreSQL holds on the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from safemigrate.errors import UsageError
from safemigrate.model import (
    Check,
    HistoryProof,
    Outcome,
    Property,
    RevisionProof,
    ServerVersion,
    Standing,
)
from safemigrate.server import Keeping, Server, open_server, require_versions

__all__ = ["compare_majors", "prove_on_majors"]

_ROUND_TRIP = "the way from head to base and back"
_APPLIES = Property.APPLIES.value
# What differs is told in this order, and stands as the last of it.
_WORDS = {
    Standing.HOLDS: "holds",
    Standing.UNASKED: "is not asked",
    Standing.UNKNOWN: "is unknown",
    Standing.BROKEN: "is broken",
}
_BAD = (Standing.UNKNOWN, Standing.BROKEN)


def prove_on_majors(
    kind: str,
    versions: Sequence[ServerVersion],
    prove: Callable[[Server], HistoryProof],
    *,
    keeping: Keeping | None = None,
) -> HistoryProof:
    """Prove a history on a server of each version; return the proof on the first, compared.

    `kind`: as `open_server` takes it. `prove` is called once for each. What differs on another
    version is in the check of `same-on-majors`, which is added to those of the history.
    Raises UsageError for a server that has one version only, and ServerError for a version that
    is not there, before anything is proved.
    """
    chosen = tuple(dict.fromkeys(versions))
    if "://" in kind or kind.startswith("container:"):
        raise UsageError(
            f"{'a URL' if '://' in kind else 'an image'} is a server of one version, and "
            f"{len(chosen)} were asked for",
            "use --server embedded or --server container with several --pg-version",
        )
    require_versions(kind, chosen)
    proofs = []
    for version in chosen:
        with open_server(kind, version=version, keeping=keeping) as server:
            proofs.append(prove(server))
    first, *others = proofs
    notices = (*first.notices, *(one for other in others for one in other.notices))
    return replace(
        first,
        checks=(*first.checks, compare_majors(proofs)),
        notices=tuple(dict.fromkeys(notices)),
    )


def compare_majors(proofs: Sequence[HistoryProof]) -> Check:
    """Return how `same-on-majors` stands, by the proofs of one history on different versions."""
    versions = _join([str(one.version) for one in proofs])
    if len(proofs) < 2:  # noqa: PLR2004 - nothing to compare
        return Check(
            Property.SAME_ON_MAJORS,
            Standing.UNASKED,
            f"proved on PostgreSQL {versions} only",
            help="give --pg-version once for each version that the project runs on",
        )
    differences = [*_find_differences(proofs)]
    if not differences:
        return Check(Property.SAME_ON_MAJORS, Standing.HOLDS, f"on PostgreSQL {versions}")
    worst = max(differences, key=lambda one: _BAD.index(one.standing))
    return Check(
        Property.SAME_ON_MAJORS,
        worst.standing,
        worst.line,
        tuple(one.line for one in differences if one is not worst),
        "write it so that every version takes it, or ask for those alone that the project runs on",
        worst.path,
        worst.place,
    )


@dataclass(frozen=True, slots=True)
class _Difference:
    """One property that stands otherwise on some versions; `place`: the line in the file."""

    standing: Standing
    line: str
    path: str = ""
    place: int = 1


def _find_differences(proofs: Sequence[HistoryProof]) -> Iterator[_Difference]:
    by_revision = [{found.revision: found for found in one.revisions} for one in proofs]
    for revision in dict.fromkeys(id_ for found in by_revision for id_ in found):
        by_version = {
            str(one.version): _list_standings(found.get(revision))
            for one, found in zip(proofs, by_revision, strict=True)
        }
        yield from _compare(f"{revision}: ", by_version)
    wholes = {str(one.version): _list_whole(one) for one in proofs}
    yield from _compare("", wholes)


def _list_standings(proof: RevisionProof | None) -> dict[str, Check]:
    """Return how the properties of a revision stand, by their names.

    One that is only applied, on the way to what was asked for, has a proof where that fails.
    """
    if proof is None:
        return {_APPLIES: Check(Property.APPLIES, Standing.HOLDS)}
    checks = {check.subject.value: check for check in proof.checks}
    if proof.upgrade is not Outcome.SKIPPED and _APPLIES not in checks:
        standing = Standing.HOLDS if proof.upgrade is Outcome.OK else Standing.BROKEN
        reason = proof.error or ""
        checks[_APPLIES] = Check(Property.APPLIES, standing, reason, path=proof.path)
    return checks


def _list_whole(proof: HistoryProof) -> dict[str, Check]:
    checks = {check.subject.value: check for check in proof.checks}
    trip = proof.round_trip
    if trip is not None and trip.is_ok is not None:
        standing = Standing.HOLDS if trip.is_ok else Standing.BROKEN
        reason = next((line for line in (trip.reason, *trip.differences) if line), "")
        checks[_ROUND_TRIP] = Check(Property.RESTORES_SCHEMA, standing, reason)
    return checks


def _compare(where: str, by_version: Mapping[str, Mapping[str, Check]]) -> Iterator[_Difference]:
    """Yield what stands otherwise on some of the versions, and is bad on at least one."""
    names = dict.fromkeys(name for checks in by_version.values() for name in checks)
    for name in names:
        groups: dict[Standing, dict[str, Check]] = {one: {} for one in _WORDS}
        for version, checks in by_version.items():
            # where the upgrade fails the rest cannot hold, which need not be said again
            if name in checks and (name == _APPLIES or not _has_failed(checks)):
                groups[_read_standing(checks[name])][version] = checks[name]
        found = {standing: group for standing, group in groups.items() if group}
        if len(found) > 1 and any(standing in found for standing in _BAD):
            yield _describe(where + name, found)


def _has_failed(checks: Mapping[str, Check]) -> bool:
    applied = checks.get(_APPLIES)
    return applied is not None and applied.is_broken


def _read_standing(check: Check) -> Standing:
    """Return how it stands; what is accepted is as good as what holds."""
    return Standing.HOLDS if check.standing is Standing.ACCEPTED else check.standing


def _describe(name: str, groups: Mapping[Standing, Mapping[str, Check]]) -> _Difference:
    """Return the difference; `groups` in the order of `_WORDS`, the worst last."""
    worst = [*groups][-1]
    check = next(iter(groups[worst].values()))
    reason = f": {check.reason}" if check.reason else ""
    first, *others = (
        (_WORDS[standing], _join([*versions])) for standing, versions in groups.items()
    )
    phrases = [" on PostgreSQL ".join(first), *(" on ".join(one) for one in others)]
    return _Difference(worst, f"{name} {_join(phrases)}{reason}", check.path, check.line)


def _join(versions: Sequence[str]) -> str:
    *most, last = versions
    return f"{', '.join(most)} and {last}" if most else last
