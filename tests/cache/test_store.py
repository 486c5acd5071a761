import os
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from safemigrate.cache import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_value_comes_back_under_its_key(store: Store) -> None:
    store.save("one", {"a": (1, 2)})
    store.save("two", 2)

    assert (store.load("one"), store.load("two")) == ({"a": (1, 2)}, 2)
    assert (store.has("one"), store.has("three"), store.load("three")) == (True, False, None)


@pytest.mark.parametrize(
    "content", [b"", b"not a pickle", pickle.dumps([1, 2, 3])[:-4], b"\x80\x05cno_such\nthing\n."]
)
def test_damaged_entry_is_no_entry(store: Store, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one").write_bytes(content)

    assert store.load("one") is None
    store.save("one", 1)
    assert store.load("one") == 1


def test_what_cannot_be_kept_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    store.save("one", lambda: None)

    assert store.load("one") is None
    assert list(tmp_path.iterdir()) == []


def test_entry_nobody_has_used_for_long_is_forgotten(store: Store, tmp_path: Path) -> None:
    store.save("old", 1)
    store.save("used", 2)
    long_ago = time.time() - 40 * 24 * 3600
    for name in ("old", "used"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    assert store.load("used") == 2

    store.save("new", 3)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "used"]


def test_writers_and_readers_at_once_see_whole_entries(tmp_path: Path) -> None:
    store = Store(tmp_path)
    values = [[number] * 20_000 for number in range(8)]

    def work(number: int) -> bool:
        store.save("one", values[number % 8])
        return store.load("one") in values

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_folder_that_others_may_write_to_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", str(tmp_path))
    assert open_store("reports") is not None

    (tmp_path / "reports").chmod(0o777)

    assert open_store("reports") is None


def test_cache_that_cannot_be_made_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", str(tmp_path / "file"))

    assert open_store("reports") is None


def test_cache_is_in_the_user_s_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAFEMIGRATE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    store = open_store("reports")

    assert store is not None
    store.save("one", 1)
    assert (tmp_path / "safemigrate" / "reports" / "one").is_file()
    assert (tmp_path / "safemigrate" / "reports").stat().st_mode & 0o077 == 0
