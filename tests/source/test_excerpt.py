"""Foreign exceptions in one line."""

from configparser import InterpolationSyntaxError
from pathlib import Path

import pytest

from safemigrate.source.excerpt import describe, show_path


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("one\n  two"), "ValueError: one"),
        (ValueError("\n two   three"), "ValueError: two three"),
        (ValueError(), "ValueError"),
        (KeyError("a"), "KeyError: no key 'a'"),
        (SystemExit(3), "SystemExit: 3"),
        (
            ValueError("bad postgresql://me:se@cret@host/db"),
            "ValueError: bad postgresql://me:***@host/db",
        ),
        (
            ConnectionError('refused: {"DB_PASSWORD": "se cret"}'),
            'ConnectionError: refused: {"DB_PASSWORD": ***}',
        ),
        (
            InterpolationSyntaxError("sqlalchemy.url", "alembic", "found: '%cret@host/db'"),
            'InterpolationSyntaxError: "sqlalchemy.url" in section "alembic" cannot be read',
        ),
    ],
)
def test_exception_is_described_in_one_line(error: BaseException, text: str) -> None:
    assert describe(error) == text


def test_path_is_relative_only_below_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)

    assert show_path(below / "a" / "b.py") == "a/b.py"
    assert show_path(tmp_path / "b.py") == str(tmp_path / "b.py")
    assert show_path("a/../b.py") == "a/../b.py"
    assert show_path("./b.py") == "b.py"
    assert show_path("../b.py") == "../b.py"
    assert show_path(below) == "."
    assert show_path(f"{below}2/b.py") == f"{below}2/b.py"
    monkeypatch.chdir("/")
    assert show_path("/etc/b.py") == "etc/b.py"
