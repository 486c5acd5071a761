"""What a revision imports of the project itself."""

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from safemigrate.model import OwnImport
from safemigrate.source.imports import find_own_imports
from safemigrate.source.standins import StandInModule
from safemigrate.source.standins_types import Uses


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

    assert found == (
        OwnImport(".", 1),
        OwnImport("..two", 2),
        OwnImport("nowhere_found", 3, is_found=False),
    )


def test_a_stand_in_is_as_missing_as_what_it_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    module = StandInModule("nowhere_app", Uses())
    module.__spec__ = ModuleSpec("nowhere_app", None, is_package=True)
    monkeypatch.setitem(sys.modules, "nowhere_app", module)

    found = find_own_imports("from nowhere_app.models import Pie")

    assert found == (OwnImport("nowhere_app.models", 1, is_found=False),)


def test_an_import_for_type_checkers_is_none() -> None:
    text = "if TYPE_CHECKING:\n    import nowhere_one\nelse:\n    import nowhere_two\n"

    assert find_own_imports(text) == (OwnImport("nowhere_two", 4, is_found=False),)


def test_text_that_is_no_python_imports_nothing() -> None:
    assert find_own_imports("import (") == ()
    assert find_own_imports("\0") == ()
