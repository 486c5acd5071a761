"""The servers of all majors, as far as no network is needed: what is pinned, and what is made."""

import json
import re
from pathlib import Path

import pytest

from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION
from tests.npm import FetchError
from tests.postgres.fetch import PINNED, have, make_symlinks, open_to_all

ROOT = Path(__file__).parents[2]
MAJORS = [str(major) for major in range(OLDEST_VERSION.major, NEWEST_VERSION.major + 1)]


def test_every_supported_major_is_pinned_to_one_of_its_versions() -> None:
    assert list(PINNED) == MAJORS
    for major, (version, digest) in PINNED.items():
        assert version.startswith(f"{major}.")
        assert re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", digest)


def test_make_proves_on_every_supported_major() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"MAJORS := {' '.join(MAJORS)}\n" in makefile


def test_another_major_is_refused() -> None:
    with pytest.raises(FetchError, match="9 is none of 14, 15, 16, 17, 18"):
        have("9")


def test_links_lead_to_the_files_beside_them(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libpq.so.5.14").write_text("it", encoding="ascii")
    links = [{"source": "native/lib/libpq.so.5.14", "target": "native/lib/libpq.so"}]
    (tmp_path / "pg-symlinks.json").write_text(json.dumps(links), encoding="utf-8")

    make_symlinks(tmp_path)

    assert (tmp_path / "lib" / "libpq.so").read_text(encoding="ascii") == "it"
    assert (tmp_path / "lib" / "libpq.so").is_symlink()


def test_programs_may_be_run_and_files_read_by_everybody(tmp_path: Path) -> None:
    for folder, name in (("bin", "postgres"), ("share", "postgres.bki")):
        (tmp_path / folder).mkdir(mode=0o700)
        (tmp_path / folder / name).touch(mode=0o600)

    open_to_all(tmp_path)

    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {"bin": 0o755, "postgres": 0o755, "share": 0o755, "postgres.bki": 0o644}
