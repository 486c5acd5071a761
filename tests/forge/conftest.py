"""Stand-ins for forges, and a clock that nobody waits for."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from safemigrate.forge import Timing
from tests.forge.stand_in import StandIn, fake_github, fake_gitlab, serving

PAYLOADS = Path(__file__).parent / "payloads"
TOKEN = "s3cr3t-t0ken"  # noqa: S105 - made up

WriteEvent = Callable[..., dict[str, str]]


def load_payload(name: str) -> dict[str, Any]:
    """Return the payload of an event."""
    found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text())
    return found


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now: float = 1_750_000_000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        """Note the pause, and be behind it."""
        self.slept.append(seconds)
        self.now += seconds

    def timing(self, timeout: float = 5.0) -> Timing:
        """Return it as a client takes it."""
        return Timing(lambda: self.now, self.sleep, timedelta(seconds=timeout))


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no proxy stand between a test and its server."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def github() -> Iterator[StandIn]:
    with serving(partial(fake_github, token=TOKEN)) as stand_in:
        yield stand_in


@pytest.fixture
def gitlab() -> Iterator[StandIn]:
    with serving(partial(fake_gitlab, token=TOKEN)) as stand_in:
        yield stand_in


@pytest.fixture
def write_event(tmp_path: Path) -> WriteEvent:
    """Write a payload, and return the variables that a job has beside it."""

    def write(name: str, payload: object = None, **variables: str) -> dict[str, str]:
        path = tmp_path / "event.json"
        path.write_text(json.dumps(load_payload(name) if payload is None else payload))
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name.removesuffix("_fork"),
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REPOSITORY": "acme/shop",
            **variables,
        }

    return write
