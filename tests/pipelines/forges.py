"""The part of a forge that keeps the comments of a pull request, on this machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

__all__ = ["TOKEN", "Forge", "open_forge"]

TOKEN = "ofNobody1"  # noqa: S105 - of nobody


@dataclass(slots=True)
class Forge:
    """What was asked, and the comments there are, as both GitHub and GitLab show them."""

    url: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    may_write: bool = True

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return the status and the content of an answer."""
        self.asked.append(f"{method} {path.partition('?')[0]}")
        match method:
            case "GET" if path == "/user":
                return 200, {"id": 7, "login": "safemigrate-bot", "type": "Bot"}
            case "GET":
                return 200, self.comments
            case _ if not self.may_write:
                return 403, {"message": "Resource not accessible by integration"}
            case "POST":
                user = {"id": 7, "login": "safemigrate-bot", "type": "Bot"}
                self.comments.append(
                    {"id": len(self.comments) + 1, "user": user, "author": user, **body}
                )
                return 201, self.comments[-1]
            case _:
                comment = self.comments[int(path.rpartition("/")[2]) - 1]
                comment.update(body)
                return 200, comment


@contextmanager
def open_forge() -> Iterator[Forge]:
    """Serve a forge that has no comments yet, to whoever has the token."""
    forge = Forge()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            given = f"{self.headers['Authorization']} {self.headers['PRIVATE-TOKEN']}"
            length = int(self.headers["Content-Length"] or 0)
            body = json.loads(self.rfile.read(length) or "null")
            status, content = (
                forge.answer(self.command, self.path, body) if TOKEN in given else (401, {})
            )
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _serve  # noqa: N815 - as the base class calls them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        forge.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()
