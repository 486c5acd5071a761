"""Files judged at the same time are judged as one after the other."""

from pathlib import Path

import pytest

from safemigrate.config import RuleOptions, RuleSettings
from safemigrate.errors import ConfigError
from safemigrate.facts import MANY_STATEMENTS, walk
from safemigrate.lint import judge
from safemigrate.model import NEWEST_VERSION, Catalog, LintResult, Timeline
from safemigrate.source import read_sql_files

TEXT = """\
CREATE TABLE t{n} (id bigint, at timestamp);
-- safemigrate: ignore[dropped-table] it is ours
DROP TABLE old{n};
ALTER TABLE other ADD COLUMN c{n} int NOT NULL;
"""


@pytest.fixture(scope="module")
def timeline(tmp_path_factory: pytest.TempPathFactory) -> Timeline:
    folder = tmp_path_factory.mktemp("files")
    for n in range(MANY_STATEMENTS // 3 + 5):
        (folder / f"{n:04}.sql").write_text(TEXT.format(n=n), encoding="utf-8")
    return walk(read_sql_files([Path(folder)]), before=Catalog(), version=NEWEST_VERSION)


@pytest.mark.parametrize("cores", [2, 3, 7])
def test_the_result_is_the_same_on_several_cores(
    monkeypatch: pytest.MonkeyPatch, timeline: Timeline, cores: int
) -> None:
    def judge_on(number: int) -> LintResult:
        monkeypatch.setattr("safemigrate.lint.parts.count_cores", lambda: number)
        return judge(timeline, settings=RuleSettings())

    found = judge_on(1)
    assert len({finding.path for finding in found.findings}) == MANY_STATEMENTS // 3 + 5
    assert found.suppressed > 0
    assert judge_on(cores) == found


@pytest.mark.parametrize("cores", [1, 2])
def test_an_error_is_the_same_on_several_cores(
    monkeypatch: pytest.MonkeyPatch, timeline: Timeline, cores: int
) -> None:
    monkeypatch.setattr("safemigrate.lint.parts.count_cores", lambda: cores)
    options = RuleOptions(forbidden_types=("no type (",))
    with pytest.raises(ConfigError, match="no type"):
        judge(timeline, settings=RuleSettings(options=options))
