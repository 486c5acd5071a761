"""What the jobs of GitHub and GitLab say they run for."""

from pathlib import Path

import pytest

from safemigrate.errors import UsageError
from safemigrate.forge import Forge, PullRequest, find_pull_request
from tests.forge.conftest import WriteEvent, load_payload

BASE, HEAD = "1f" * 20, "2e" * 20
TOKEN = {"GITHUB_TOKEN": "x"}


def test_nowhere_is_no_pull_request() -> None:
    assert find_pull_request({"GITHUB_TOKEN": "x", "CI": "true"}) is None


def test_a_pull_request_of_the_repository(write_event: WriteEvent) -> None:
    assert find_pull_request(write_event("pull_request", **TOKEN)) == PullRequest(
        Forge.GITHUB, "pull_request", "acme/shop", 12, BASE, HEAD, can_write=True
    )


def test_a_pull_request_from_a_fork(write_event: WriteEvent) -> None:
    request = find_pull_request(write_event("pull_request_fork", **TOKEN))

    assert request is not None
    assert (request.number, request.repository, request.is_fork) == (13, "acme/shop", True)


def test_a_pull_request_whose_fork_is_gone(write_event: WriteEvent) -> None:
    gone = load_payload("pull_request_target")
    request = find_pull_request(write_event("pull_request", gone))

    assert request is not None
    assert (request.number, request.is_fork, request.can_write) == (14, True, False)


@pytest.mark.parametrize("name", ["pull_request_target", "workflow_run"])
def test_an_event_with_the_secrets_of_the_repository_is_refused(
    write_event: WriteEvent, name: str
) -> None:
    payload = load_payload("pull_request_target")

    with pytest.raises(UsageError, match=f'"{name}" has the secrets') as caught:
        find_pull_request(write_event(name, payload))

    assert "pull_request" in caught.value.hint


def test_a_push_is_judged_against_what_was_there_before(write_event: WriteEvent) -> None:
    request = find_pull_request(write_event("push", **TOKEN))

    assert request == PullRequest(Forge.GITHUB, "push", "acme/shop", None, BASE, HEAD)


def test_a_new_branch_is_judged_against_the_default_one(write_event: WriteEvent) -> None:
    request = find_pull_request(write_event("push_new_branch"))

    assert request is not None
    assert (request.base, request.fallback, request.is_gone) == ("", "origin/main", False)


def test_a_deleted_branch_is_gone(write_event: WriteEvent) -> None:
    request = find_pull_request(write_event("push_deleted"))

    assert request is not None
    assert request.is_gone


def test_a_merge_group_is_judged_against_its_base(write_event: WriteEvent) -> None:
    request = find_pull_request(write_event("merge_group", **TOKEN))

    assert request == PullRequest(Forge.GITHUB, "merge_group", "acme/shop", None, BASE, HEAD)


def test_an_event_without_a_change_names_no_base(write_event: WriteEvent) -> None:
    request = find_pull_request(write_event("workflow_dispatch"))

    assert request == PullRequest(Forge.GITHUB, "workflow_dispatch", "acme/shop", None, "", "")


def test_the_repository_is_that_of_the_event_where_no_variable_names_it(
    write_event: WriteEvent,
) -> None:
    request = find_pull_request(write_event("push", GITHUB_REPOSITORY=""))

    assert request is not None
    assert request.repository == "acme/shop"


@pytest.mark.parametrize("name", ["acme", "../../secrets", "acme/shop/../..", "acme/shop?x"])
def test_a_repository_that_is_none_is_refused(write_event: WriteEvent, name: str) -> None:
    with pytest.raises(UsageError, match="GITHUB_REPOSITORY"):
        find_pull_request(write_event("push", GITHUB_REPOSITORY=name))


def test_an_event_that_is_not_there(tmp_path: Path) -> None:
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(tmp_path / "gone.json")}

    with pytest.raises(UsageError, match="cannot be read: no such file") as caught:
        find_pull_request(variables)

    assert "GITHUB_ACTIONS" in caught.value.hint
    with pytest.raises(UsageError, match="does not say where the event is"):
        find_pull_request({"GITHUB_ACTIONS": "true"})


@pytest.mark.parametrize("text", ["", "<html>", "[]", '{"before": 1}', "\udcff"])
def test_an_event_that_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(UsageError, match="is not one of GitHub"):
        find_pull_request({"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": str(path)})


def test_an_event_that_lacks_something_names_it(write_event: WriteEvent) -> None:
    payload = load_payload("pull_request")
    del payload["pull_request"]["base"]["sha"]

    with pytest.raises(UsageError, match=r"`sha`.*`\$\.pull_request\.base`"):
        find_pull_request(write_event("pull_request", payload))


MERGE_REQUEST = {
    "GITLAB_CI": "true",
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_MERGE_REQUEST_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA": BASE,
    "CI_COMMIT_SHA": HEAD,
    "CI_COMMIT_BEFORE_SHA": "0" * 40,
}


def test_a_merge_request() -> None:
    request = find_pull_request({**MERGE_REQUEST, "SAFEMIGRATE_GITLAB_TOKEN": "x"})

    assert request == PullRequest(
        Forge.GITLAB, "merge_request_event", "42", 7, BASE, HEAD, can_write=True
    )


def test_only_a_token_that_is_meant_for_it_is_taken() -> None:
    request = find_pull_request({**MERGE_REQUEST, "CI_JOB_TOKEN": "x", "GITLAB_TOKEN": "x"})

    assert request is not None
    assert not request.can_write


def test_a_merged_result_is_judged_against_what_it_was_merged_into() -> None:
    merged = {
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "5a" * 20,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "6b" * 20,
    }
    request = find_pull_request({**MERGE_REQUEST, **merged})

    assert request is not None
    assert (request.base, request.head) == ("5a" * 20, "6b" * 20)


def test_a_merge_request_from_a_fork_is_commented_where_it_goes() -> None:
    variables = {**MERGE_REQUEST, "CI_PROJECT_ID": "77", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "77"}
    request = find_pull_request(variables)

    assert request is not None
    assert (request.repository, request.is_fork) == ("42", True)


def test_a_pipeline_of_a_new_branch_is_judged_against_the_default_one() -> None:
    variables = {
        "GITLAB_CI": "true",
        "CI_PIPELINE_SOURCE": "push",
        "CI_PROJECT_ID": "42",
        "CI_COMMIT_BRANCH": "titles",
        "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_SHA": HEAD,
        "CI_COMMIT_BEFORE_SHA": "0" * 40,
    }
    assert find_pull_request(variables) == PullRequest(
        Forge.GITLAB, "push", "42", None, "", HEAD, fallback="origin/main"
    )
    default = find_pull_request({**variables, "CI_COMMIT_BRANCH": "main"})
    assert default is not None
    assert default.fallback == ""


def test_a_merge_request_without_a_number_is_refused() -> None:
    with pytest.raises(UsageError, match="CI_MERGE_REQUEST_IID"):
        find_pull_request({**MERGE_REQUEST, "CI_MERGE_REQUEST_IID": "../9"})
