"""The commit that a pull request is compared with."""

from safemigrate.errors import UsageError
from safemigrate.forge import Forge, PullRequest
from safemigrate.source.git import Repository

__all__ = ["choose_base"]

_DEEPEN = {
    Forge.GITHUB: "a shallow clone leaves it out: give actions/checkout `fetch-depth: 0`",
    Forge.GITLAB: 'a shallow clone leaves it out: set the variable GIT_DEPTH to "0"',
}


def choose_base(request: PullRequest | None, given: str | None, repository: Repository) -> str:
    """Return the reference that what is new is new since: `given`, else what the event says.

    Raises UsageError where there is none, where it is not in the clone, and where it is not the
    pull request that is checked out.
    """
    if given is not None:
        return given
    if request is None:
        raise UsageError(
            "this is no job of GitHub or GitLab, so nothing says what to compare with",
            "name the reference that the branch left: --base origin/main",
        )
    head = repository.find_commit("HEAD")
    parents = () if head is None else repository.list_parents(head)
    merged = _find_merged(request, parents)
    if merged and repository.find_commit(merged):
        return merged
    for reference in filter(None, (request.base, request.fallback)):
        commit = repository.find_commit(reference)
        if commit is not None:
            if head is not None:
                _check_checked_out(request, commit, head, repository)
            return reference
    raise _explain_missing(request, repository)


def _find_merged(request: PullRequest, parents: tuple[str, ...]) -> str:
    """Return what the forge merged the head of the request into for this job, or nothing.

    It is newer than the base that the event has, when others have merged meanwhile, and what they
    have added is not what the request adds.
    """
    is_merge = len(parents) == 2 and parents[1] == request.head  # noqa: PLR2004 - into, and what
    return parents[0] if is_merge and request.number is not None else ""


def _check_checked_out(request: PullRequest, base: str, head: str, repository: Repository) -> None:
    """Raise UsageError where nothing of the request is there, or all would seem clean."""
    if request.number is None or head == request.head:
        return
    if repository.has_ancestor(base, head):
        raise UsageError(
            f"the branch that pull request {request.number} goes to is checked out, and not the "
            "pull request",
            f"check out its head, commit {request.head}",
        )


def _explain_missing(request: PullRequest, repository: Repository) -> UsageError:
    name = f'event "{request.event}"'
    if not request.base and not request.fallback:
        return UsageError(
            f"the {name} does not say what to compare with",
            "name the reference that the branch left: --base origin/main",
        )
    what = (
        f'commit "{request.base}", where the {name} begins, is not in this clone'
        if request.base
        else f'"{request.fallback}", with which a new branch is compared, is not in this clone'
    )
    if repository.is_shallow():
        return UsageError(what, _DEEPEN[request.forge])
    reason = "it may be gone after a forced push" if request.base else "fetch it"
    return UsageError(what, f"{reason}; or name what to compare with: --base origin/main")
