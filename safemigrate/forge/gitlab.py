"""GitLab: what a job of GitLab CI runs for, and the notes of a merge request.

https://docs.gitlab.com/ci/variables/predefined_variables/
https://docs.gitlab.com/api/notes/#merge-requests
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from msgspec import Struct

from safemigrate.errors import UsageError
from safemigrate.forge.comments import Comment
from safemigrate.forge.http import Client, Timing
from safemigrate.forge.pull_request import Forge, PullRequest, drop_zeros, find_token

__all__ = ["TOKEN_VARIABLES", "GitlabConversation", "open_gitlab", "read_gitlab"]

# CI_JOB_TOKEN is not among them: it may not write notes. Nor is GITLAB_TOKEN: projects keep one for
# other ends, with more rights than a comment needs.
TOKEN_VARIABLES = ("SAFEMIGRATE_GITLAB_TOKEN",)

_API = "https://gitlab.com/api/v4"
_HINTS = {
    401: "check SAFEMIGRATE_GITLAB_TOKEN; it may have expired",
    403: "SAFEMIGRATE_GITLAB_TOKEN needs the scope api, and the role Reporter of the project",
    404: "check CI_API_V4_URL; a token that may not see a project gets this answer, too",
}


class _User(Struct, frozen=True):
    id: int


class _MergeRequest(Struct, frozen=True):
    sha: str | None = None


class _Note(Struct, frozen=True):
    id: int
    body: str
    author: _User
    system: bool = False


def read_gitlab(environment: Mapping[str, str]) -> PullRequest:
    """Return what a job runs for; raises UsageError where its variables cannot be."""

    def ask(name: str) -> str:
        return environment.get(name, "").strip()

    source = ask("CI_PIPELINE_SOURCE") or "pipeline"
    # of a merge request from a fork, the project that it goes to
    project = ask("CI_MERGE_REQUEST_PROJECT_ID") or ask("CI_PROJECT_ID")
    number = ask("CI_MERGE_REQUEST_IID")
    if not number:
        default = ask("CI_DEFAULT_BRANCH")
        is_branch = bool(ask("CI_COMMIT_BRANCH")) and ask("CI_COMMIT_BRANCH") != default
        return PullRequest(
            Forge.GITLAB,
            source,
            project,
            None,
            base=drop_zeros(ask("CI_COMMIT_BEFORE_SHA")),
            head=ask("CI_COMMIT_SHA"),
            fallback=f"origin/{default}" if default and is_branch else "",
        )
    if not number.isdecimal() or not project:
        raise UsageError(
            f'CI_MERGE_REQUEST_IID is "{number}", and CI_PROJECT_ID is "{project}"',
            "GitLab CI sets them to numbers; elsewhere take GITLAB_CI out of the environment",
        )
    origin = ask("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    return PullRequest(
        Forge.GITLAB,
        source,
        project,
        int(number),
        # a pipeline of the merged result has a newer base than the request
        base=ask("CI_MERGE_REQUEST_TARGET_BRANCH_SHA") or ask("CI_MERGE_REQUEST_DIFF_BASE_SHA"),
        head=ask("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or ask("CI_COMMIT_SHA"),
        is_fork=bool(origin) and origin != project,
        can_write=bool(find_token(environment, TOKEN_VARIABLES)),
    )


@dataclass(frozen=True, slots=True)
class GitlabConversation:
    """The notes of a merge request of GitLab."""

    client: Client
    project: str
    number: int
    head: str = ""
    limit: int = 1_000_000

    def find_head(self) -> str:
        """Return the commit that the merge request has as its last one by now."""
        return self.client.send("GET", self._request).decode(_MergeRequest).sha or ""

    def list_own(self) -> Iterator[Comment]:
        """Yield the notes of the user that the token is of."""
        us = self.client.send("GET", "/user").decode(_User)
        order = "sort=asc&order_by=created_at&per_page=100"
        for page in self.client.list_pages(f"{self._place}?{order}"):
            for one in page.decode(list[_Note]):
                if one.author.id == us.id and not one.system:
                    yield Comment(one.id, one.body)

    def create(self, body: str) -> None:
        """Write a further note."""
        self.client.send("POST", self._place, {"body": body})

    def update(self, comment: Comment, body: str) -> None:
        """Write another text into a note."""
        self.client.send("PUT", f"{self._place}/{comment.id}", {"body": body})

    def delete(self, comment: Comment) -> None:
        """Take a note away."""
        self.client.send("DELETE", f"{self._place}/{comment.id}")

    @property
    def _request(self) -> str:
        return f"/projects/{quote(self.project, safe='')}/merge_requests/{self.number}"

    @property
    def _place(self) -> str:
        return f"{self._request}/notes"


def open_gitlab(
    request: PullRequest, environment: Mapping[str, str], timing: Timing
) -> GitlabConversation:
    """Return the notes of the merge request, which has a number and a token."""
    assert request.number is not None  # noqa: S101 - the caller has looked
    client = Client(
        Forge.GITLAB.value,
        environment.get("CI_API_V4_URL") or _API,
        ("PRIVATE-TOKEN", find_token(environment, TOKEN_VARIABLES)),
        timing,
        hints=_HINTS,
    )
    return GitlabConversation(client, request.repository, request.number, request.head)
