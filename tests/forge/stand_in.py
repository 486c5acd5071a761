"""What stands in for the API of a forge: a real server on this machine, with what it was asked."""

import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Answer", "Asked", "StandIn", "fake_github", "fake_gitlab", "serving"]

# a page is short, so that a few comments take several
_PAGE = 2


@dataclass(frozen=True)
class Answer:
    """What is sent back; `body`: bytes as they are, anything else as JSON."""

    status: int
    body: object = None
    headers: tuple[tuple[str, str], ...] = ()
    waits_for: Event | None = None


@dataclass(frozen=True)
class Asked:
    """A request; `target` as it stood in the first line, `headers` by small letters."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any


Handle = Callable[[Asked], Answer]


@dataclass
class StandIn:
    """A server that runs; `faults` are sent first, one a request, instead of what it would say.

    `late`: it does what it is asked before it sends a fault. `asked`: all requests.
    `head`: the last commit of the request, empty for a token that may not read it.
    """

    url: str
    asked: list[Asked] = field(default_factory=list)
    faults: deque[Answer] = field(default_factory=deque)
    comments: list[dict[str, Any]] = field(default_factory=list)
    late: bool = False
    head: str = ""

    @property
    def methods(self) -> list[str]:
        """The verbs of all requests."""
        return [one.method for one in self.asked]

    @property
    def bodies(self) -> list[str]:
        """The texts of the comments that there are."""
        return [one["body"] for one in self.comments]


@contextmanager
def serving(make: Callable[[StandIn], Handle]) -> Iterator[StandIn]:
    """Run a server for the block, its threads joined at the end."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            stand_in.asked.append(asked)
            answer = stand_in.faults.popleft() if stand_in.faults else None
            if answer is None or stand_in.late:
                done = handle(asked)
            reply = done if answer is None else answer
            if reply.waits_for is not None:
                reply.waits_for.wait()
            content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body)
            data = content if isinstance(content, bytes) else content.encode()
            try:
                self.send_response(reply.status)
                for name, value in reply.headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                assert reply.waits_for is not None  # who asked has gone

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815 - the names are the library's

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = False
        stand_in = StandIn(f"http://127.0.0.1:{server.server_address[1]}")
        handle = make(stand_in)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()


def _paginate(stand_in: StandIn, asked: Asked, listed: list[dict[str, Any]]) -> Answer:
    parts = urlsplit(asked.target)
    query = parse_qs(parts.query)
    assert query["per_page"] == ["100"]
    page = int(query.get("page", ["1"])[0])
    headers: tuple[tuple[str, str], ...] = ()
    if page * _PAGE < len(listed):
        url = f"{stand_in.url}{asked.target.partition('&page=')[0]}&page={page + 1}"
        headers = (("Link", f'<{stand_in.url}/first>; rel="first", <{url}>; rel="next"'),)
    return Answer(200, listed[(page - 1) * _PAGE : page * _PAGE], headers)


def _delete(stand_in: StandIn, id_: int) -> Answer:
    (comment,) = [one for one in stand_in.comments if one["id"] == id_]
    stand_in.comments.remove(comment)
    return Answer(204, b"")


def fake_github(stand_in: StandIn, *, token: str, login: str = "") -> Handle:
    """Return what GitHub answers about the comments of `acme/shop`; no login for an app's token."""
    us = {"login": login, "type": "User"} if login else {"login": "actions[bot]", "type": "Bot"}
    place = re.compile(r"/repos/acme/shop/issues/(?:(?P<number>\d+)/comments|comments/(?P<id>\d+))")

    def handle(asked: Asked) -> Answer:
        if asked.headers.get("authorization") != f"Bearer {token}":
            return Answer(401, {"message": "Bad credentials"})
        assert asked.headers["accept"] == "application/vnd.github+json"
        path = urlsplit(asked.target).path
        if path == "/user":
            refused = {"message": "Resource not accessible by integration"}
            return Answer(200, us) if login else Answer(403, refused)
        if path == "/repos/acme/shop/pulls/12" and stand_in.head:
            return Answer(200, {"number": 12, "head": {"sha": stand_in.head}})
        found = place.fullmatch(path)
        match (asked.method, found and found["number"], found and found["id"]):
            case "GET", "12", None:
                return _paginate(stand_in, asked, stand_in.comments)
            case "POST", "12", None:
                stand_in.comments.append(
                    {"id": len(stand_in.comments) + 100, "user": us, "body": asked.body["body"]}
                )
                return Answer(201, stand_in.comments[-1])
            case "PATCH", None, str(id_):
                (comment,) = [one for one in stand_in.comments if one["id"] == int(id_)]
                comment["body"] = asked.body["body"]
                return Answer(200, comment)
            case "DELETE", None, str(id_):
                return _delete(stand_in, int(id_))
        return Answer(404, {"message": "Not Found"})

    return handle


def fake_gitlab(stand_in: StandIn, *, token: str) -> Handle:
    """Return what GitLab answers about the notes of merge request 7 of project 42."""
    us = {"id": 9, "username": "project_42_bot", "name": "safemigrate"}
    place = re.compile(r"/api/v4/projects/42/merge_requests/7/notes(?:/(?P<id>\d+))?")

    def handle(asked: Asked) -> Answer:
        if asked.headers.get("private-token") != token:
            return Answer(401, {"message": "401 Unauthorized"})
        path = urlsplit(asked.target).path
        if path == "/api/v4/user":
            return Answer(200, us)
        if path == "/api/v4/projects/42/merge_requests/7" and stand_in.head:
            return Answer(200, {"iid": 7, "sha": stand_in.head})
        found = place.fullmatch(path)
        match (asked.method, found is not None, found and found["id"]):
            case "GET", True, None:
                return _paginate(stand_in, asked, stand_in.comments)
            case "POST", True, None:
                number = len(stand_in.comments) + 100
                stand_in.comments.append(
                    {"id": number, "author": us, "system": False, "body": asked.body["body"]}
                )
                return Answer(201, stand_in.comments[-1])
            case "PUT", True, str(id_):
                (note,) = [one for one in stand_in.comments if one["id"] == int(id_)]
                note["body"] = asked.body["body"]
                return Answer(200, note)
            case "DELETE", True, str(id_):
                return _delete(stand_in, int(id_))
        return Answer(404, {"message": "404 Not found"})

    return handle
