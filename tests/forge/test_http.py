"""Requests to a forge: how long they are patient, and where the token goes."""

import socket
from email.utils import formatdate
from threading import Event

import msgspec
import pytest

from safemigrate.errors import ForgeError, UsageError
from safemigrate.forge.http import Client
from tests.forge.conftest import TOKEN, FakeTime
from tests.forge.stand_in import Answer, Asked, Handle, StandIn, serving


def say_yes(stand_in: StandIn) -> Handle:
    def handle(asked: Asked) -> Answer:
        return Answer(200, {"path": asked.target, "host": stand_in.url})

    return handle


def make_client(url: str, time: FakeTime, *, timeout: float = 5.0) -> Client:
    return Client(
        "GitHub", url, ("Authorization", f"Bearer {TOKEN}"), time.timing(timeout), hints={404: "x"}
    )


def fail_to_send(client: Client, method: str = "GET", path: str = "/a?key=1") -> ForgeError:
    with pytest.raises(ForgeError) as caught:
        client.send(method, path, None if method == "GET" else {"body": "b"})
    assert TOKEN not in f"{caught.value.message} {caught.value.hint}"
    return caught.value


@pytest.fixture
def time(fake_time: FakeTime) -> FakeTime:
    return fake_time


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_that_passes_is_waited_for(time: FakeTime, status: int) -> None:
    with serving(say_yes) as server:
        server.faults.extend([Answer(status), Answer(status)])
        reply = make_client(server.url, time).send("GET", "/a")

        assert reply.status == 200
        assert time.slept == [1.0, 2.0]
        assert server.methods == ["GET"] * 3


def test_a_fault_that_stays_is_given_up(time: FakeTime) -> None:
    with serving(say_yes) as server:
        server.faults.extend([Answer(500, b"<html>oops</html>")] * 9)
        error = fail_to_send(make_client(server.url, time))

        assert error.message == "GitHub answers GET /a with 500"
        assert error.hint == "GitHub is out of order; run the job again later"
        assert error.status == 500
        assert len(server.asked) == 4


def test_the_pause_that_is_asked_for_is_made(time: FakeTime) -> None:
    reset = str(int(time.now) + 7 + 9 + 11)
    with serving(say_yes) as server:
        server.faults.extend(
            [
                Answer(503, headers=(("Retry-After", "7"),)),
                Answer(429, headers=(("Retry-After", formatdate(time.now + 16, usegmt=True)),)),
                Answer(
                    403,
                    {"message": "API rate limit exceeded"},
                    (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", reset)),
                ),
            ]
        )
        make_client(server.url, time).send("PATCH", "/a", {"body": "b"})

    assert time.slept == [7.0, 9.0, 11.0]


def test_a_pause_of_an_hour_is_not_made(time: FakeTime) -> None:
    with serving(say_yes) as server:
        server.faults.append(Answer(429, headers=(("Retry-After", "3600"),)))
        error = fail_to_send(make_client(server.url, time))

    assert time.slept == []
    assert error.hint == (
        "this is a rate limit of GitHub, which asks for a pause of 3600 s; "
        "run the job again after it"
    )


RESET = int(FakeTime().now) + 90
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}
LIMITS = {
    "429": (Answer(429), 60.0),
    "429 for a minute": (Answer(429, headers=(("Retry-After", "60"),)), 60.0),
    "429 for no time": (Answer(429, headers=(("Retry-After", "0"),)), 1.0),
    "secondary": (Answer(403, SECONDARY), 60.0),
    "secondary for 75 s": (Answer(403, SECONDARY, (("Retry-After", "75"),)), 75.0),
    "403 for 5 s": (Answer(403, headers=(("Retry-After", "5"),)), 5.0),
    "403 for a word": (Answer(403, headers=(("Retry-After", "soon"),)), 60.0),
    "used up": (
        Answer(
            403,
            {"message": "no more"},
            (("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", f"{RESET}")),
        ),
        90.0,
    ),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("answer", "pause"), LIMITS.values(), ids=LIMITS.keys())
def test_a_limit_of_requests_is_waited_for(
    time: FakeTime, answer: Answer, pause: float, method: str
) -> None:
    with serving(say_yes) as server:
        server.faults.append(answer)
        reply = make_client(server.url, time).send(method, "/a", refusal=403)

    assert reply.status == 200
    assert time.slept == [pause]


def test_a_limit_that_stays_is_named(time: FakeTime) -> None:
    with serving(say_yes) as server:
        server.faults.extend([Answer(403, SECONDARY)] * 9)
        error = fail_to_send(make_client(server.url, time), "POST")

    assert error.message.startswith("GitHub answers POST /a with 403: You have exceeded a second")
    assert error.hint == "this is a rate limit of GitHub; run the job again in a few minutes"
    assert time.slept == [60.0, 60.0]


def test_all_pauses_of_a_client_take_two_minutes_at_most(time: FakeTime) -> None:
    with serving(say_yes) as server:
        client = make_client(server.url, time)
        server.faults.append(Answer(429, headers=(("Retry-After", "70"),)))
        client.send("GET", "/a")
        server.faults.append(Answer(429, headers=(("Retry-After", "51"),)))
        error = fail_to_send(client)

    assert time.slept == [70.0]
    assert "asks for a pause of 51 s" in error.hint


def test_a_refusal_is_no_limit(time: FakeTime) -> None:
    left = (("X-RateLimit-Remaining", "4999"), ("X-RateLimit-Reset", f"{RESET}"))
    with serving(say_yes) as server:
        refused = Answer(403, {"message": "Resource not accessible by integration"}, left)
        server.faults.append(refused)
        reply = make_client(server.url, time).send("GET", "/a", refusal=403)

    assert reply.status == 403
    assert time.slept == []


@pytest.mark.parametrize("said", ["soon", "Mon, 99 Foo 2025", "-1"])
def test_a_pause_that_cannot_be_read_is_our_own(time: FakeTime, said: str) -> None:
    with serving(say_yes) as server:
        server.faults.append(Answer(503, headers=(("Retry-After", said),)))
        make_client(server.url, time).send("GET", "/a")

    assert time.slept == [1.0]


def test_a_refusal_is_told_and_not_asked_again(time: FakeTime) -> None:
    with serving(say_yes) as server:
        server.faults.append(Answer(404, {"message": f"Not Found for {TOKEN}\n::error::x"}))
        error = fail_to_send(make_client(server.url, time))

        assert error.message == "GitHub answers GET /a with 404: Not Found for *** ::error::x"
        assert (error.hint, error.status) == ("x", 404)
        assert len(server.asked) == 1


def test_what_may_have_been_written_is_not_written_twice(time: FakeTime) -> None:
    with serving(say_yes) as server:
        server.faults.append(Answer(502))
        assert fail_to_send(make_client(server.url, time), "POST").status == 502
        assert server.methods == ["POST"]

        # turned away, it was not written
        server.faults.append(Answer(429))
        make_client(server.url, time).send("POST", "/a", {"body": "b"})
        assert server.methods == ["POST"] * 3


def test_nobody_there_is_told(time: FakeTime) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        error = fail_to_send(make_client(url, time))

    assert error.message.startswith("GitHub does not answer GET /a: ")
    assert "refused" in error.message
    assert error.status is None
    assert time.slept == [1.0, 2.0, 4.0]


def test_an_answer_that_never_comes_is_not_waited_for(time: FakeTime) -> None:
    release = Event()
    with serving(say_yes) as server:
        server.faults.extend([Answer(200, waits_for=release)] * 4)
        try:
            error = fail_to_send(make_client(server.url, time, timeout=0.05))
        finally:
            release.set()

    assert "timed out" in error.message


def test_what_is_not_json_is_told(time: FakeTime) -> None:
    with serving(say_yes) as server:
        server.faults.append(Answer(200, b"<html>log in</html>"))
        reply = make_client(server.url, time).send("GET", "/a")

    with pytest.raises(ForgeError, match="not what was expected") as caught:
        reply.decode(list[int])
    assert "a page to log in" in caught.value.hint


def test_a_redirect_on_the_host_keeps_token_verb_and_body(time: FakeTime) -> None:
    with serving(say_yes) as server:
        server.faults.append(Answer(307, headers=(("Location", "/repositories/1"),)))
        make_client(server.url, time).send("PATCH", "/a", {"body": "b"})

        first, second = server.asked
        assert (second.method, second.target) == ("PATCH", "/repositories/1")
        assert second.body == first.body == {"body": "b"}
        assert second.headers["authorization"] == f"Bearer {TOKEN}"


def test_a_redirect_to_another_host_loses_the_token(time: FakeTime) -> None:
    with serving(say_yes) as server, serving(say_yes) as other:
        server.faults.append(Answer(302, headers=(("Location", f"{other.url}/b"),)))
        reply = make_client(server.url, time).send("GET", "/a")

        assert reply.decode(dict[str, str]) == {"path": "/b", "host": other.url}
        (asked,) = other.asked
        assert TOKEN not in str(asked)


def test_what_is_written_follows_to_no_other_host(time: FakeTime) -> None:
    with serving(say_yes) as server, serving(say_yes) as other:
        server.faults.append(Answer(308, headers=(("Location", f"{other.url}/b"),)))
        error = fail_to_send(make_client(server.url, time), "POST")

        assert "leads POST to another host" in error.message
        assert other.asked == []


@pytest.mark.parametrize("target", ["/a", "file:///etc/hostname"])
def test_a_redirect_that_leads_nowhere_ends(time: FakeTime, target: str) -> None:
    with serving(say_yes) as server:
        server.faults.extend([Answer(301, headers=(("Location", target),))] * 9)
        error = fail_to_send(make_client(server.url, time))

    assert "no address" in error.message or "without an end" in error.message


NO_ADDRESSES = [
    "https://x:abc",
    "https://x:99999",
    "https://[::1",
    "https://x/\xe9",
    "https://x/a b",
    "https://a..b",
]


@pytest.mark.parametrize("target", NO_ADDRESSES)
def test_a_link_that_is_no_address_is_told(time: FakeTime, target: str) -> None:
    with serving(say_yes) as server:
        server.faults.append(Answer(307, headers=(("Location", target),)))
        error = fail_to_send(make_client(server.url, time))
        server.faults.append(Answer(200, [], (("Link", f'<{target}>; rel="next"'),)))
        with pytest.raises(ForgeError, match="leads to what is no address"):
            list(make_client(server.url, time).list_pages("/a"))

    assert (error.message, error.status) == ("GitHub leads to what is no address", 307)


def test_a_further_page_is_of_the_same_host(time: FakeTime) -> None:
    with serving(say_yes) as server, serving(say_yes) as other:
        link = f'<{other.url}/b?page=2>; rel="next"'
        server.faults.append(Answer(200, [], (("Link", link),)))
        with pytest.raises(ForgeError, match="another host for the next page"):
            list(make_client(server.url, time).list_pages("/a"))

        assert other.asked == []


def test_pages_without_an_end_are_ended(time: FakeTime) -> None:
    with serving(say_yes) as server:
        link = f'<{server.url}/a?page=1>; rel="next"'
        server.faults.extend([Answer(200, [], (("Link", link),))] * 200)
        with pytest.raises(ForgeError, match="more than 100 pages"):
            list(make_client(server.url, time).list_pages("/a"))


def test_the_proxy_of_the_environment_is_used(
    time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(say_yes) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        make_client("http://forge.example/api", time).send("GET", "/a")

        assert proxy.asked[0].target == "http://forge.example/api/a"


def test_a_proxy_that_is_none_is_told(time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("http_proxy", "http://a..b:3128")
    error = fail_to_send(make_client("http://forge.example/api", time))

    assert error.message.startswith("GitHub does not answer GET /api/a: ")


@pytest.mark.parametrize(
    "url",
    ["", "api.github.com", "file:///etc/passwd", "https://", "https://\xe9..x", *NO_ADDRESSES],
)
def test_an_address_that_is_none_is_refused(time: FakeTime, url: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        make_client(url, time)


@pytest.mark.parametrize("token", ["a\nb", "tökén", "a\x00b"])
def test_a_token_that_cannot_be_sent_is_refused_unseen(time: FakeTime, token: str) -> None:
    with pytest.raises(UsageError) as caught:
        Client("GitHub", "https://api.github.com", ("PRIVATE-TOKEN", token), time.timing())

    assert token not in f"{caught.value.message} {caught.value.hint}"


def test_a_message_that_is_no_text_is_left_out(time: FakeTime) -> None:
    with serving(say_yes) as server:
        server.faults.append(Answer(400, msgspec.json.encode({"message": {"base": ["bad"]}})))
        assert fail_to_send(make_client(server.url, time)).message.endswith("with 400")
