"""What a forge says of the change that a job runs for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

__all__ = ["Forge", "PullRequest", "drop_zeros", "find_token"]


class Forge(Enum):
    """The forges whose jobs are recognised."""

    GITHUB = "GitHub"
    GITLAB = "GitLab"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request, a merge request, or a push without either.

    `event`: what started the job, in the forge's word. `repository`: `owner/name` on GitHub, the
    id of the project on GitLab; the one that the change goes to.
    `number`: None where there is no pull request. `base`: the commit that the change started from,
    empty where the event names none. `head`: the last commit of the change.
    `fallback`: a reference to compare with where `base` is not to be had, or empty.
    `is_fork`: the change comes from another repository. `can_write`: there is something to comment
    on, and a token to do it with; whether that is allowed the forge knows.
    `is_gone`: the branch was deleted, and there is nothing to judge.
    """

    forge: Forge
    event: str
    repository: str
    number: int | None
    base: str
    head: str
    fallback: str = ""
    is_fork: bool = False
    can_write: bool = False
    is_gone: bool = False


def find_token(environment: Mapping[str, str], names: Iterable[str]) -> str:
    """Return the first token that one of the variables holds, empty where none does."""
    return next(filter(None, (environment.get(one, "").strip() for one in names)), "")


def drop_zeros(commit: str) -> str:
    """Return the id of a commit, empty for the one that stands for none."""
    return commit if commit.strip("0") else ""
