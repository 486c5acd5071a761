"""Requests to the API of a forge: patient, bounded, and careful with the token."""

import http.client
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

import msgspec

from safemigrate import __version__
from safemigrate.errors import ForgeError, UsageError
from safemigrate.report.excerpt import cut_line, one_line

__all__ = ["Client", "Reply", "Timing"]

_ATTEMPTS = 4
# All pauses together that a client makes because it is asked to.
_PATIENCE = timedelta(minutes=2)
# What GitHub advises where a limit says nothing more.
_LIMIT_PAUSE = timedelta(minutes=1)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SCHEMES = frozenset({"http", "https"})
_MOST_REDIRECTS = 5
_TOO_MANY = 429
_SERVER_FAULT = 500
_REFUSED = 403
_ANSWER_BYTES = 32 << 20
_MOST_PAGES = 100
# Sending these twice does what sending them once does.
_REPEATABLE = frozenset({"GET", "PUT", "PATCH"})
_NEXT = re.compile(r'<([^<>]*)>\s*;[^<>]*\brel="?next"?')

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock, in seconds since 1970, the sleep, and how long an answer may keep us waiting."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    timeout: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def decode(self, kind: type[Value]) -> Value:
        """Return the body as a value of that type; raises ForgeError when it is none."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ForgeError(
                f"the answer of the API is not what was expected: {one_line(str(error))}",
                "check the address of the API; a proxy, or a page to log in, may answer instead",
                status=self.status,
            ) from error


@dataclass(slots=True)
class _Patience:
    """How many seconds of pauses are left."""

    left: float = _PATIENCE.total_seconds()

    def spend(self, pause: float) -> bool:
        """Return whether a pause can be made, and take it to be."""
        is_bearable = pause <= self.left
        if is_bearable:
            self.left -= pause
        return is_bearable


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests below `api`, the URL of the API, with the token in a header.

    `forge`: its name, for errors. `secret`: name and value of the header. `hints`: what to do about
    the statuses that it refuses with.
    An answer that asks for patience is waited for, for two minutes altogether. A token goes to the
    host of the API and to no other, and stands in no error.
    """

    forge: str
    api: str
    secret: tuple[str, str]
    timing: Timing
    headers: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[int, str] = field(default_factory=dict)
    _patience: _Patience = field(default_factory=_Patience, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raise UsageError for an address or a token that cannot be sent."""
        if not _is_address(self.api):
            raise UsageError(
                f'"{one_line(self.api)}" is no address of an API of {self.forge}',
                "it begins with https://, and all of it is ASCII",
            )
        if not re.fullmatch(r"(?:Bearer )?[\x21-\x7e]+", self.secret[1]):
            raise UsageError(
                f"the token of {self.forge} holds a character that no token has",
                "check how the variable is set; its value is not shown here",
            )

    def send(
        self, method: str, path: str, payload: object = None, *, refusal: int | None = None
    ) -> Reply:
        """Return the answer; `payload` is sent as JSON.

        `refusal`: a status that is an answer, too, where it does not ask for patience.
        Raises ForgeError for one that is no success, or none.
        """
        body = None if payload is None else msgspec.json.encode(payload)
        return self._send(method, self.api.rstrip("/") + path, body, refusal)

    def list_pages(self, path: str) -> Iterator[Reply]:
        """Yield each page of a list, as the forge links them."""
        url = self.api.rstrip("/") + path
        for _ in range(_MOST_PAGES):
            reply = self._send("GET", url, None)
            yield reply
            following = _NEXT.search(reply.headers.get("link", ""))
            if following is None:
                return
            url = self._join(url, following[1], reply)
            if _origin(url) != _origin(self.api):
                raise ForgeError(f"{self.forge} leads to another host for the next page")
        raise ForgeError(f"{self.forge} has more than {_MOST_PAGES} pages of what was asked for")

    def _send(self, method: str, url: str, body: bytes | None, refusal: int | None = None) -> Reply:
        attempt = 0
        while True:
            attempt += 1
            is_last = attempt == _ATTEMPTS
            try:
                reply = self._follow(method, url, body)
            except (OSError, http.client.HTTPException, UnicodeError) as error:
                # UnicodeError: the proxy of the environment has a name that is none
                if is_last or method not in _REPEATABLE:
                    raise self._explain_silence(method, url, error) from error
                self.timing.sleep(2.0 ** (attempt - 1))
                continue
            if reply.status // 100 == 2:  # noqa: PLR2004 - what every success begins with
                return reply
            wait = self._choose_wait(method, reply, attempt)
            if wait is None and reply.status == refusal:
                return reply
            if is_last or wait is None or not self._patience.spend(wait):
                raise self._explain(method, url, reply)
            self.timing.sleep(wait)

    def _follow(self, method: str, url: str, body: bytes | None) -> Reply:
        """Return the answer behind redirects; what is written goes to no other host."""
        for _ in range(_MOST_REDIRECTS):
            reply = self._ask(method, url, body)
            target = reply.headers.get("location")
            if reply.status not in _REDIRECTS or not target:
                return reply
            url = self._join(url, target, reply)
            if reply.status == 303:  # noqa: PLR2004 - See Other
                method, body = "GET", None
            if method != "GET" and _origin(url) != _origin(self.api):
                raise ForgeError(
                    f"{self.forge} leads {method} to another host, which is not followed",
                    "check the address of the API",
                    status=reply.status,
                )
        raise ForgeError(
            f"{self.forge} leads from one address to the next without an end",
            "check the address of the API",
        )

    def _join(self, url: str, target: str, reply: Reply) -> str:
        """Return where a link of an answer leads; raises ForgeError for what is no address."""
        try:
            found = urljoin(url, target)
        except ValueError:
            found = ""
        if not _is_address(found):
            raise ForgeError(
                f"{self.forge} leads to what is no address",
                "check the address of the API; a proxy may answer instead",
                status=reply.status,
            )
        return found

    def _ask(self, method: str, url: str, body: bytes | None) -> Reply:
        headers = {"User-Agent": f"safemigrate/{__version__}", **self.headers}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if _origin(url) == _origin(self.api):
            headers |= dict([self.secret])
        request = Request(url, data=body, headers=headers, method=method)  # noqa: S310 - http and https only
        with _open(request, self.timing.timeout.total_seconds()) as response:
            content = response.read(_ANSWER_BYTES + 1)
            if len(content) > _ANSWER_BYTES:
                raise ForgeError(f"the answer of {self.forge} is longer than can be read")
            names = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status, names, content)

    def _choose_wait(self, method: str, reply: Reply, attempt: int) -> float | None:
        """Return for how many seconds to wait before asking again, None for not asking again."""
        asked = self._read_wait(reply.headers)
        ours = 2.0 ** (attempt - 1)
        if _is_limit(reply):
            # it was turned away, so that nothing was done; a clock that is ahead hides the pause
            return _LIMIT_PAUSE.total_seconds() if asked is None else max(asked, ours)
        if reply.status >= _SERVER_FAULT and method in _REPEATABLE:
            return ours if asked is None else asked
        return None

    def _read_wait(self, headers: Mapping[str, str]) -> float | None:
        """Return how many seconds the answer asks to wait, None where it does not."""
        said = headers.get("retry-after", "").strip()
        if said.isdecimal():
            return float(said)
        if said:
            try:
                return max(0.0, parsedate_to_datetime(said).timestamp() - self.timing.clock())
            except ValueError:
                return None
        reset = headers.get("x-ratelimit-reset", "")
        if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
            return max(0.0, float(reset) - self.timing.clock())
        return None

    def _explain(self, method: str, url: str, reply: Reply) -> ForgeError:
        said = self._hide(_read_message(reply.body))
        reason = f": {said}" if said else ""
        place = urlsplit(url).path
        hint = self.hints.get(reply.status, "")
        if reply.status >= _SERVER_FAULT:
            hint = f"{self.forge} is out of order; run the job again later"
        if _is_limit(reply):
            wait = self._read_wait(reply.headers)
            asks = "" if wait is None else f", which asks for a pause of {wait:.0f} s"
            again = "in a few minutes" if wait is None else "after it"
            hint = f"this is a rate limit of {self.forge}{asks}; run the job again {again}"
        return ForgeError(
            f"{self.forge} answers {method} {place} with {reply.status}{reason}",
            hint,
            status=reply.status,
        )

    def _explain_silence(self, method: str, url: str, error: Exception) -> ForgeError:
        reason = getattr(error, "reason", None) or error
        words = f"{reason}" or type(reason).__name__
        return ForgeError(
            f"{self.forge} does not answer {method} {urlsplit(url).path}: "
            f"{self._hide(one_line(words))}",
            "check the network and its proxy (HTTPS_PROXY, NO_PROXY), and run the job again",
        )

    def _hide(self, text: str) -> str:
        """Return the text without the token, should the answer repeat it."""
        return text.replace(self.secret[1].rpartition(" ")[2], "***")


def _is_limit(reply: Reply) -> bool:
    """Return whether the answer turns away one request too many, and not this one for what it is.

    https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if reply.status != _REFUSED:
        return reply.status == _TOO_MANY
    headers = reply.headers
    is_used_up = headers.get("x-ratelimit-remaining") == "0" and "x-ratelimit-reset" in headers
    # the secondary limit of GitHub may come without any header
    return (
        is_used_up or "retry-after" in headers or "rate limit" in _read_message(reply.body).lower()
    )


def _open(request: Request, timeout: float) -> http.client.HTTPResponse:
    """Send a request, through the proxy that the environment names; no status is an error."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    response: http.client.HTTPResponse = opener.open(request, timeout=timeout)
    return response


def _is_address(url: str) -> bool:
    """Return whether a request can be sent there, as far as the address alone says."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is no number, or too high
        # raises for a label that is empty or too long
        name = (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    is_plain = re.fullmatch(r"[\x21-\x7e]+", url) is not None
    return is_plain and parts.scheme in _SCHEMES and bool(name)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Return what makes two addresses those of one host."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _read_message(body: bytes) -> str:
    """Return what an error says in words, on one line."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if not isinstance(document, dict):
        return ""
    said = document.get("message") or document.get("error_description") or document.get("error")
    return cut_line(said, 200) if isinstance(said, str) else ""
