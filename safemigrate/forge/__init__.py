"""What a forge says of the change that a job runs for, and the comment that is written there."""

from collections.abc import Mapping

from safemigrate.forge import github, gitlab
from safemigrate.forge.comments import Conversation, Written, make_mark, put_comment
from safemigrate.forge.http import Timing
from safemigrate.forge.pull_request import Forge, PullRequest

__all__ = [
    "TOKEN_VARIABLES",
    "Conversation",
    "Forge",
    "PullRequest",
    "Timing",
    "Written",
    "find_pull_request",
    "make_mark",
    "open_conversation",
    "put_comment",
]

TOKEN_VARIABLES = (*github.TOKEN_VARIABLES, *gitlab.TOKEN_VARIABLES)
"""The variables of the environment that a token is taken from."""


def find_pull_request(environment: Mapping[str, str]) -> PullRequest | None:
    """Return what the job runs for, None outside the jobs of a forge.

    Raises UsageError where the forge is known and what it says cannot be read.
    """
    if environment.get("GITHUB_ACTIONS") == "true":
        return github.read_github(environment)
    if environment.get("GITLAB_CI") == "true":
        return gitlab.read_gitlab(environment)
    return None


def open_conversation(
    request: PullRequest, environment: Mapping[str, str], timing: Timing
) -> Conversation:
    """Return the comments of a pull request; one that can be written to.

    Raises UsageError for an address or a token that cannot be used.
    """
    match request.forge:
        case Forge.GITHUB:
            return github.open_github(request, environment, timing)
        case Forge.GITLAB:
            return gitlab.open_gitlab(request, environment, timing)
