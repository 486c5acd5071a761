"""GitHub: what a job of GitHub Actions runs for, and the comments of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/variables
https://docs.github.com/webhooks/webhook-events-and-payloads
https://docs.github.com/rest/issues/comments
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from safemigrate.errors import UsageError
from safemigrate.forge.comments import Comment
from safemigrate.forge.http import Client, Timing
from safemigrate.forge.pull_request import Forge, PullRequest, drop_zeros, find_token

__all__ = ["TOKEN_VARIABLES", "GithubConversation", "open_github", "read_github"]

TOKEN_VARIABLES = ("GITHUB_TOKEN",)

_API = "https://api.github.com"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_REFUSED = 403
# They run with the rights and secrets of the repository, whoever's code is then checked out.
_PRIVILEGED_EVENTS = frozenset({"pull_request_target", "workflow_run"})
_HINTS = {
    401: "check the token; it may have expired",
    403: "give the job `permissions: pull-requests: write`; for a pull request from a fork the "
    "token may only read, and the job's summary has the report",
    404: "check GITHUB_REPOSITORY; a token that may not see a repository gets this answer, too",
    422: "GitHub does not take the comment as it is",
}


class _Repository(Struct, frozen=True):
    full_name: str
    default_branch: str = ""


class _Commit(Struct, frozen=True):
    sha: str
    ref: str
    repo: _Repository | None = None


class _PullRequest(Struct, frozen=True):
    number: int
    base: _Commit
    head: _Commit


class _MergeGroup(Struct, frozen=True):
    base_sha: str
    head_sha: str


class _Event(Struct, frozen=True):
    """The parts of a payload that are needed; of a kind of event only some are there."""

    pull_request: _PullRequest | None = None
    merge_group: _MergeGroup | None = None
    before: str | None = None
    after: str | None = None
    ref: str | None = None
    deleted: bool = False
    repository: _Repository | None = None


class _Head(Struct, frozen=True):
    sha: str


class _Now(Struct, frozen=True):
    """A pull request as the API tells of it."""

    head: _Head


class _User(Struct, frozen=True):
    login: str
    type: str = "User"


class _Comment(Struct, frozen=True):
    id: int
    body: str | None = None
    user: _User | None = None


def read_github(environment: Mapping[str, str]) -> PullRequest:
    """Return what the event of a job is about.

    Raises UsageError for one that cannot be read, and for one whose job has the secrets of the
    repository beside the code of a stranger.
    """
    name = environment.get("GITHUB_EVENT_NAME") or "event"
    if name in _PRIVILEGED_EVENTS:
        raise UsageError(
            f'a job of the event "{name}" has the secrets of the repository, and the code of the '
            "pull request would run beside them",
            "take the event pull_request instead: on: pull_request",
        )
    event = _read_event(environment.get("GITHUB_EVENT_PATH", ""))
    repository = environment.get("GITHUB_REPOSITORY") or (
        event.repository.full_name if event.repository is not None else ""
    )
    if not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            f'GITHUB_REPOSITORY is "{repository}", and not the owner and name of a repository',
            "GitHub Actions sets it; elsewhere take GITHUB_ACTIONS out of the environment",
        )
    if event.pull_request is not None:
        request = event.pull_request
        ours, theirs = request.base.repo, request.head.repo
        return PullRequest(
            Forge.GITHUB,
            name,
            repository,
            request.number,
            base=request.base.sha,
            head=request.head.sha,
            # a fork that was deleted has no name any more
            is_fork=theirs is None or (ours is not None and ours.full_name != theirs.full_name),
            can_write=bool(find_token(environment, TOKEN_VARIABLES)),
        )
    if event.merge_group is not None:
        group = event.merge_group
        return PullRequest(
            Forge.GITHUB, name, repository, None, base=group.base_sha, head=group.head_sha
        )
    return _read_push(event, name, repository)


def _read_push(event: _Event, name: str, repository: str) -> PullRequest:
    """Return what a push is about; of any other event, that it names no commit to compare with."""
    default = "" if event.repository is None else event.repository.default_branch
    is_default = event.ref == f"refs/heads/{default}"
    after = event.after or ""
    return PullRequest(
        Forge.GITHUB,
        name,
        repository,
        None,
        base=drop_zeros(event.before or ""),
        head=drop_zeros(after),
        fallback=f"origin/{default}" if default and after and not is_default else "",
        is_gone=event.deleted,
    )


def _read_event(path: str) -> _Event:
    hint = "GitHub Actions writes it; elsewhere take GITHUB_ACTIONS out of the environment"
    if not path:
        raise UsageError("GITHUB_EVENT_PATH does not say where the event is", hint)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(f'the event "{path}" cannot be read: {reason}', hint) from error
    try:
        return msgspec.json.decode(content, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f'the event "{path}" is not one of GitHub: {error}',
            "name what to compare with, and run it outside of GitHub Actions, or with another "
            "GITHUB_EVENT_PATH",
        ) from error


@dataclass(frozen=True, slots=True)
class GithubConversation:
    """The comments of a pull request of GitHub."""

    client: Client
    repository: str
    number: int
    head: str = ""
    limit: int = 65_536

    def find_head(self) -> str:
        """Return the commit that the pull request has as its last one by now."""
        reply = self.client.send("GET", f"/repos/{self.repository}/pulls/{self.number}")
        return reply.decode(_Now).head.sha

    def list_own(self) -> Iterator[Comment]:
        """Yield the comments of the user that the token is of, or of bots where it is of an app."""
        login = self._find_login()
        for page in self.client.list_pages(f"{self._place}/{self.number}/comments?per_page=100"):
            for one in page.decode(list[_Comment]):
                user = one.user
                if user is None:
                    continue
                if user.login == login if login else user.type == "Bot":
                    yield Comment(one.id, one.body or "")

    def create(self, body: str) -> None:
        """Write a further comment."""
        self.client.send("POST", f"{self._place}/{self.number}/comments", {"body": body})

    def update(self, comment: Comment, body: str) -> None:
        """Write another text into a comment."""
        self.client.send("PATCH", f"{self._place}/comments/{comment.id}", {"body": body})

    def delete(self, comment: Comment) -> None:
        """Take a comment away."""
        self.client.send("DELETE", f"{self._place}/comments/{comment.id}")

    @property
    def _place(self) -> str:
        return f"/repos/{self.repository}/issues"

    def _find_login(self) -> str:
        """Return who the token is of, empty for an app: a job's own token is one of those."""
        reply = self.client.send("GET", "/user", refusal=_REFUSED)
        return "" if reply.status == _REFUSED else reply.decode(_User).login


def open_github(
    request: PullRequest, environment: Mapping[str, str], timing: Timing
) -> GithubConversation:
    """Return the comments of the pull request, which has a number and a token."""
    assert request.number is not None  # noqa: S101 - the caller has looked
    client = Client(
        Forge.GITHUB.value,
        environment.get("GITHUB_API_URL") or _API,
        ("Authorization", f"Bearer {find_token(environment, TOKEN_VARIABLES)}"),
        timing,
        headers={
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
        hints=_HINTS,
    )
    return GithubConversation(client, request.repository, request.number, request.head)
