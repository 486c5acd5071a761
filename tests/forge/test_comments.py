"""One comment a project, found again and written anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from safemigrate.errors import ForgeError
from safemigrate.forge import (
    Conversation,
    Forge,
    PullRequest,
    Written,
    make_mark,
    open_conversation,
    put_comment,
)
from safemigrate.forge.comments import Comment
from tests.forge.conftest import TOKEN, FakeTime
from tests.forge.stand_in import Answer, StandIn, fake_github, serving

MARK = make_mark("alembic.ini")
BODY = f"{MARK}\n## safemigrate: 1 error\n"


@dataclass(frozen=True)
class Talk:
    """A forge, and the comments there."""

    forge: StandIn
    conversation: Conversation
    update: str

    def put(self, body: str, *, mark: str = MARK, is_needed: bool = True) -> Written:
        return put_comment(self.conversation, body, mark=mark, is_needed=is_needed)

    def add(self, id_: int, body: str, *, is_ours: bool = False, is_bot: bool = False) -> None:
        name = "actions[bot]" if is_ours else "dependabot[bot]" if is_bot else "mallory"
        user = {"login": name, "type": "Bot" if is_ours or is_bot else "User"}
        author = {"id": 9 if is_ours else 5, "username": name}
        self.forge.comments.append(
            {"id": id_, "body": body, "user": user, "author": author, "system": False}
        )


def talk_to_github(forge: StandIn, time: FakeTime) -> Talk:
    request = PullRequest(Forge.GITHUB, "pull_request", "acme/shop", 12, "a", "b", can_write=True)
    variables = {"GITHUB_API_URL": forge.url, "GITHUB_TOKEN": f"{TOKEN}\n"}
    return Talk(forge, open_conversation(request, variables, time.timing()), "PATCH")


@pytest.fixture(params=["github", "gitlab"])
def talk(request: pytest.FixtureRequest, fake_time: FakeTime) -> Talk:
    forge: StandIn = request.getfixturevalue(request.param)
    if request.param == "github":
        return talk_to_github(forge, fake_time)
    merge_request = PullRequest(
        Forge.GITLAB, "merge_request_event", "42", 7, "a", "b", can_write=True
    )
    variables = {"CI_API_V4_URL": f"{forge.url}/api/v4", "SAFEMIGRATE_GITLAB_TOKEN": TOKEN}
    return Talk(forge, open_conversation(merge_request, variables, fake_time.timing()), "PUT")


def test_the_first_run_writes_and_the_next_ones_write_there(talk: Talk) -> None:
    assert talk.put(BODY) is Written.CREATED
    assert talk.put(f"{MARK}\n## safemigrate: no findings\n") is Written.UPDATED
    assert talk.forge.bodies == [f"{MARK}\n## safemigrate: no findings\n"]
    assert talk.forge.methods == ["GET", "GET", "GET", "POST", "GET", "GET", "GET", talk.update]


def test_the_same_text_is_not_written_again(talk: Talk) -> None:
    talk.add(1, BODY.replace("\n", "\r\n").strip(), is_ours=True)

    assert talk.put(BODY) is Written.UNCHANGED
    assert set(talk.forge.methods) == {"GET"}


def test_a_comment_on_a_later_page_is_found(talk: Talk) -> None:
    for number in range(5):
        talk.add(number, f"looks good {number}", is_ours=number % 2 == 0)
    talk.add(50, f"{MARK}\nold", is_ours=True)

    assert talk.put(BODY) is Written.UPDATED
    assert talk.forge.bodies[-1] == BODY
    assert len(talk.forge.bodies) == 6


def test_a_comment_of_somebody_else_is_left_alone(talk: Talk) -> None:
    talk.add(1, f"{MARK}\nmine, says mallory")

    assert talk.put(BODY) is Written.CREATED
    assert talk.forge.bodies == [f"{MARK}\nmine, says mallory", BODY]


def test_a_quotation_of_the_mark_is_no_comment_of_ours(talk: Talk) -> None:
    talk.add(1, f"> {BODY}", is_ours=True)

    assert talk.put(BODY) is Written.CREATED


def test_two_projects_have_a_comment_each(talk: Talk) -> None:
    other = make_mark("services/api --> x/alembic.ini")
    talk.put(BODY)
    talk.put(f"{other}\nother", mark=other)
    talk.put(f"{MARK}\nnew")

    assert talk.forge.bodies == [f"{MARK}\nnew", f"{other}\nother"]
    assert other.count("-->") == 1


def test_nothing_to_say_makes_no_comment_and_clears_an_old_one(talk: Talk) -> None:
    assert talk.put("clean", is_needed=False) is Written.NOT_NEEDED
    assert talk.forge.bodies == []

    talk.put(BODY)
    assert talk.put(f"{MARK}\nclean", is_needed=False) is Written.UPDATED
    assert talk.forge.bodies == [f"{MARK}\nclean"]


@pytest.mark.parametrize("listed", [[], [f"{MARK}\nof the newer commit"]])
def test_a_job_that_was_overtaken_writes_nothing(talk: Talk, listed: list[str]) -> None:
    for body in listed:
        talk.add(1, body, is_ours=True)
    talk.forge.head = "c"

    assert talk.put(BODY) is Written.OUTDATED
    assert talk.forge.bodies == listed
    assert set(talk.forge.methods) == {"GET"}


def test_the_job_of_the_last_commit_writes(talk: Talk) -> None:
    talk.forge.head = "b"

    assert talk.put(BODY) is Written.CREATED


@pytest.mark.parametrize("body", [BODY, f"{MARK}\nold"])
def test_of_two_that_were_written_at_once_the_oldest_stays(talk: Talk, body: str) -> None:
    talk.add(1, body, is_ours=True)
    talk.add(2, f"{MARK}\nof another job", is_ours=True)
    talk.add(3, f"{MARK}\nmine, says mallory")
    talk.add(4, "something else", is_ours=True)

    assert talk.put(BODY) is Written.UPDATED
    assert talk.forge.bodies == [BODY, f"{MARK}\nmine, says mallory", "something else"]
    assert talk.put(BODY) is Written.UNCHANGED


def test_one_that_cannot_be_deleted_is_left_to_the_next_run(talk: Talk) -> None:
    for number in (1, 2):
        talk.add(number, BODY, is_ours=True)
    refused = Answer(404, {"message": "Not Found"})

    assert put_comment(Refusing(talk, refused), BODY, mark=MARK) is Written.UPDATED
    assert talk.forge.bodies == [BODY, BODY]


def test_a_path_that_is_no_utf_8_has_a_mark() -> None:
    assert make_mark("caf\udce9/ü.ini") == "<!-- safemigrate pull-request: caf%E9/%C3%BC.ini -->"


@dataclass(frozen=True)
class Faulty:
    """A conversation in which the next writing of a comment meets a fault."""

    talk: Talk
    fault: Answer

    @property
    def limit(self) -> int:
        return self.talk.conversation.limit

    @property
    def head(self) -> str:
        return self.talk.conversation.head

    def find_head(self) -> str:
        return self.talk.conversation.find_head()

    def list_own(self) -> Iterator[Comment]:
        return self.talk.conversation.list_own()

    def create(self, body: str) -> None:
        if self.talk.forge.methods.count("POST") == 0:
            self.talk.forge.faults.append(self.fault)
        self.talk.conversation.create(body)

    def update(self, comment: Comment, body: str) -> None:
        self.talk.conversation.update(comment, body)

    def delete(self, comment: Comment) -> None:
        self.talk.conversation.delete(comment)


@dataclass(frozen=True)
class Refusing(Faulty):
    """A conversation in which the next deletion meets a fault."""

    def delete(self, comment: Comment) -> None:
        self.talk.forge.faults.append(self.fault)
        self.talk.conversation.delete(comment)


@pytest.mark.parametrize("is_late", [True, False])
def test_a_fault_while_writing_leaves_one_comment(talk: Talk, *, is_late: bool) -> None:
    talk.forge.late = is_late  # it is written, and then something breaks on the way back

    assert put_comment(Faulty(talk, Answer(502)), BODY, mark=MARK) is Written.CREATED
    assert talk.forge.bodies == [BODY]
    assert talk.forge.methods.count("POST") == (1 if is_late else 2)


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_refusal_to_write_is_an_error(talk: Talk, status: int) -> None:
    talk.add(1, "hello")
    refusal = Answer(status, {"message": "Resource not accessible by integration"})

    with pytest.raises(ForgeError, match="Resource not accessible by integration") as caught:
        put_comment(Faulty(talk, refusal), BODY, mark=MARK)

    assert caught.value.status == status
    assert talk.forge.bodies == ["hello"]


def test_a_wrong_token_is_an_error_with_a_hint(github: StandIn, fake_time: FakeTime) -> None:
    request = PullRequest(Forge.GITHUB, "pull_request", "acme/shop", 12, "a", "b", can_write=True)
    variables = {"GITHUB_API_URL": github.url, "GITHUB_TOKEN": "another"}

    with pytest.raises(ForgeError, match="401: Bad credentials") as caught:
        put_comment(open_conversation(request, variables, fake_time.timing()), BODY, mark=MARK)

    assert caught.value.hint == "check the token; it may have expired"


def test_a_limit_of_requests_is_not_taken_for_an_app(github: StandIn, fake_time: FakeTime) -> None:
    reset = str(int(fake_time.now) + 600)
    limit = (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", reset))
    github.faults.append(Answer(403, {"message": "API rate limit exceeded"}, limit))

    with pytest.raises(ForgeError, match="rate limit exceeded") as caught:
        talk_to_github(github, fake_time).put(BODY)

    assert "rate limit of GitHub, which asks for a pause of 600 s" in caught.value.hint
    assert github.methods == ["GET"]


SECONDARY = Answer(403, {"message": "You have exceeded a secondary rate limit. Please wait a bit."})


def test_a_secondary_limit_makes_no_second_comment(fake_time: FakeTime) -> None:
    with serving(partial(fake_github, token=TOKEN, login="ada")) as forge:
        talk = talk_to_github(forge, fake_time)
        talk.put(BODY)
        forge.faults.append(SECONDARY)  # who the token is of
        assert talk.put(f"{MARK}\nnew") is Written.UPDATED

        assert forge.bodies == [f"{MARK}\nnew"]
    assert fake_time.slept == [60.0]


def test_a_secondary_limit_on_writing_is_waited_for(talk: Talk, fake_time: FakeTime) -> None:
    assert put_comment(Faulty(talk, SECONDARY), BODY, mark=MARK) is Written.CREATED
    assert talk.forge.bodies == [BODY]
    assert fake_time.slept == [60.0]


def test_the_token_of_a_person_is_known_by_its_login(fake_time: FakeTime) -> None:
    with serving(partial(fake_github, token=TOKEN, login="ada")) as forge:
        talk = talk_to_github(forge, fake_time)
        talk.add(1, f"{MARK}\nof the bot", is_ours=True)
        assert talk.put(BODY) is Written.CREATED
        assert talk.put(f"{MARK}\nnew") is Written.UPDATED

        assert forge.bodies == [f"{MARK}\nof the bot", f"{MARK}\nnew"]


def test_a_comment_whose_user_is_gone_is_passed_by(github: StandIn, fake_time: FakeTime) -> None:
    github.comments.append({"id": 1, "user": None, "body": BODY})
    github.comments.append({"id": 2, "user": {"login": "actions[bot]", "type": "Bot"}})

    assert talk_to_github(github, fake_time).put(BODY) is Written.CREATED


def test_an_answer_of_another_shape_is_an_error(github: StandIn, fake_time: FakeTime) -> None:
    github.comments.append({"number": 1})

    with pytest.raises(ForgeError, match="not what was expected"):
        talk_to_github(github, fake_time).put(BODY)
