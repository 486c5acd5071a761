"""What rules/README.md shows is a case file, and holds."""

import re
from pathlib import Path

from safemigrate.testing import body_line, judge_case, load_rule_cases, rule_book_folder
from safemigrate.testing.rulebook import Case, RuleCases


def shown(folder: Path) -> RuleCases:
    text = (rule_book_folder() / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert found is not None
    path = folder / "shown.yml"
    path.write_text(found[1], encoding="utf-8")
    return load_rule_cases(path)


def test_the_case_file_shown_holds(tmp_path: Path) -> None:
    cases = shown(tmp_path)
    for case in cases.cases:
        found = [each for each in judge_case(cases, case) if each.rule == cases.rule]
        lines = [body_line(case, each) for each in found]
        assert lines == [place.line for place in case.finds], case.id


def test_every_key_of_a_case_is_explained() -> None:
    text = (rule_book_folder() / "README.md").read_text(encoding="utf-8")
    rows = "\n".join(re.findall(r"^\| .*\|", text, re.MULTILINE))
    explained = set(re.findall(r"`([a-z-]+)`", rows))
    keys = {name.replace("_", "-") for name in (*Case.__struct_fields__, "rule", "schema")}
    assert keys <= explained
