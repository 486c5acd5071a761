"""How much room there is on a server's disk: known only where the disk is certainly here."""

import shutil
from pathlib import Path

import pytest

from safemigrate.catalog.figures import Disk
from safemigrate.cli.disks import find_free_bytes

STARTED = 1_700_000_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of a server that was started then."""
    (tmp_path / "postmaster.pid").write_text(f"4711\n{tmp_path}\n{STARTED}\n5432\n")
    return tmp_path


def test_a_server_here_has_the_room_of_its_folder(data: Path) -> None:
    found = find_free_bytes(Disk(str(data), is_local=True, started=STARTED + 1))
    assert found is not None
    # other tests write meanwhile
    assert found == pytest.approx(shutil.disk_usage(data).free, rel=0.2)


def test_a_tablespace_has_the_room_of_its_own_folder(data: Path) -> None:
    disk = Disk(str(data), is_local=True, started=STARTED)
    assert find_free_bytes(disk, str(data)) is not None
    assert find_free_bytes(disk, str(data / "gone")) is None


@pytest.mark.parametrize(
    ("is_local", "started"), [(False, STARTED), (True, STARTED + 3600)], ids=["remote", "another"]
)
def test_a_folder_of_another_server_says_nothing(
    data: Path, started: int, *, is_local: bool
) -> None:
    assert find_free_bytes(Disk(str(data), is_local=is_local, started=started)) is None


def test_a_folder_that_is_not_to_be_read_says_nothing(tmp_path: Path) -> None:
    assert find_free_bytes(Disk(None, is_local=True, started=STARTED)) is None
    assert find_free_bytes(Disk(str(tmp_path), is_local=True, started=STARTED)) is None
    (tmp_path / "postmaster.pid").write_text("4711\n")
    assert find_free_bytes(Disk(str(tmp_path), is_local=True, started=STARTED)) is None
