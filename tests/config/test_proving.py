"""The table `verify` is read as written, and what is wrong in it is named."""

from datetime import timedelta
from pathlib import Path

import pytest

from safemigrate.config import VerifyChoices, load_config
from safemigrate.errors import ConfigError
from safemigrate.model import Property


def load(folder: Path, text: str) -> VerifyChoices:
    (folder / "safemigrate.toml").write_text(f"[verify]\n{text}\n")
    return load_config((folder,)).verify


def test_every_key_is_read(tmp_path: Path) -> None:
    choices = load(
        tmp_path,
        """
        select = ["rows", "H04"]
        ignore = ["takes-samples"]
        rows = 7
        samples = "samples"
        seed = "seed.sql"
        max-block-ms = 20
        workload = "work.sql"
        old-statements = "old.json"
        new-statements = "new.json"
        plans = "plans.yml"
        statistics = "statistics.sql"
        metadata = ["app:metadata"]
        tenants = { "app.tenant" = ["1", "2"] }
        allowed-hosts = ["localhost"]
        max-rows-changed = 3
        timeout-s = 1.5
        """,
    )

    assert choices == VerifyChoices(
        selected=("rows", "H04"),
        ignored=("takes-samples",),
        rows=7,
        samples=tmp_path / "samples",
        seed=tmp_path / "seed.sql",
        max_block=timedelta(milliseconds=20),
        workload=tmp_path / "work.sql",
        old_statements=tmp_path / "old.json",
        new_statements=tmp_path / "new.json",
        plans=tmp_path / "plans.yml",
        statistics=tmp_path / "statistics.sql",
        metadata=("app:metadata",),
        tenants={"app.tenant": ("1", "2")},
        allowed_hosts=("localhost",),
        most_rows_changed=3,
        time_limit=timedelta(seconds=1.5),
    )
    assert choices.wanted == {
        Property.APPLIES_ON_ROWS,
        Property.KEEPS_ROWS,
        Property.CHANGES_FEW_ROWS,
        Property.RESTORES_SCHEMA,
    }


def test_everything_is_wanted_unless_something_is_chosen() -> None:
    assert VerifyChoices().wanted == set(Property)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('select = ["speed"]', '"verify.select" in'),
        ('ignore = ["speed"]', '"verify.ignore" in'),
        ("rows = 0", '"verify.rows" in'),
        ("row = 1", 'unknown key "verify.row"'),
        ('tenants = { "a" = ["1"] }', '"verify.tenants'),
    ],
)
def test_what_is_wrong_is_named_by_its_key(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, line)

    assert said in caught.value.message
    assert caught.value.hint
