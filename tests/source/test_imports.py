"""What a revision imports of the project itself."""

from pathlib import Path

import pytest

from safemigrate.model import OwnImport
from safemigrate.source.imports import find_own_imports


def test_python_and_installed_packages_are_nobodys_own() -> None:
    assert find_own_imports("import os.path, json\nfrom alembic import op\nimport yaml") == ()


def test_what_is_found_elsewhere_is_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pantry").mkdir()
    (tmp_path / "pantry" / "__init__.py").touch()
    (tmp_path / "larder.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    found = find_own_imports("import pantry.models\n\ndef upgrade():\n    from larder import jam\n")

    assert found == (OwnImport("pantry.models", 1), OwnImport("larder", 4))


def test_relative_and_missing_modules_are_own() -> None:
    found = find_own_imports("from . import one\nfrom ..two import three\nimport nowhere_found")

    assert [each.module for each in found] == [".", "..two", "nowhere_found"]


def test_an_import_for_type_checkers_is_none() -> None:
    text = "if TYPE_CHECKING:\n    import nowhere_one\nelse:\n    import nowhere_two\n"

    assert find_own_imports(text) == (OwnImport("nowhere_two", 4),)


def test_text_that_is_no_python_imports_nothing() -> None:
    assert find_own_imports("import (") == ()
    assert find_own_imports("\0") == ()
