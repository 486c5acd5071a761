import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft4Validator

from safemigrate import __version__
from safemigrate.lint import rules
from safemigrate.model import Finding, LintResult, Timeline, Unjudged
from safemigrate.report.sarif import format_sarif
from tests.report.exhibit import RESULT, RULES, TIMELINE
from tests.report.sarif_schema import read_sarif_schema

MakeFinding = Callable[..., Finding]
MakeResult = Callable[..., LintResult]

ListFaults = Callable[[str], list[str]]


@pytest.fixture(scope="session")
def list_faults() -> ListFaults:
    """Lists what the schema has against a document; skips the test where it was not fetched."""
    try:
        validator = Draft4Validator(read_sarif_schema())
    except FileNotFoundError:
        if os.environ.get("SAFEMIGRATE_REQUIRE_SERVER") == "1":
            raise
        pytest.skip("the schema of SARIF is not here: make test-all fetches it")
    return lambda document: [each.message for each in validator.iter_errors(json.loads(document))]


def run_of(document: str) -> Any:
    (run,) = json.loads(document)["runs"]
    return run


def uri_of(
    path: str, make_finding: MakeFinding, make_result: MakeResult, list_faults: ListFaults
) -> Any:
    document = format_sarif(make_result(make_finding(path=path)), Timeline(()))
    assert list_faults(document) == []
    (found,) = run_of(document)["results"]
    (location,) = found["locations"]
    return location["physicalLocation"]["artifactLocation"]


def test_the_log_is_valid(list_faults: ListFaults) -> None:
    assert list_faults(format_sarif(RESULT, TIMELINE, rules=RULES)) == []


def test_a_log_of_nothing_is_valid(make_result: MakeResult, list_faults: ListFaults) -> None:
    document = format_sarif(make_result(), Timeline(()))
    assert list_faults(document) == []
    assert run_of(document)["results"] == []


def test_the_validator_finds_a_fault(list_faults: ListFaults) -> None:
    document = format_sarif(RESULT, TIMELINE, rules=RULES)
    assert list_faults(document.replace('"startLine": 2', '"startLine": 0')) != []


def test_the_log_names_its_version_and_that_of_the_tool(make_result: MakeResult) -> None:
    document = format_sarif(make_result(), Timeline(()))
    assert json.loads(document)["version"] == "2.1.0"
    assert run_of(document)["tool"]["driver"]["semanticVersion"] == __version__


def test_a_rule_has_its_page_as_help(make_finding: MakeFinding, make_result: MakeResult) -> None:
    document = format_sarif(make_result(make_finding()), Timeline(()))
    (described,) = run_of(document)["tool"]["driver"]["rules"]
    rule = rules()["non-concurrent-index"]
    assert described["shortDescription"]["text"] == rule.summary
    assert described["help"]["text"] == described["help"]["markdown"] == rule.page
    assert "helpUri" not in described


def test_columns_are_counted_in_characters() -> None:
    run = run_of(format_sarif(RESULT, TIMELINE, rules=RULES))
    assert run["columnKind"] == "unicodeCodePoints"
    region = run["results"][2]["locations"][0]["physicalLocation"]["region"]
    length = len('ALTER TABLE "表" DROP "#1 @team *_[x]($y$) 100%::"')
    assert region == {"startLine": 4, "startColumn": 1, "endLine": 4, "endColumn": 1 + length}


def test_what_was_not_judged_and_the_notices_are_notifications() -> None:
    (invocation,) = run_of(format_sarif(RESULT, TIMELINE, rules=RULES))["invocations"]
    assert invocation["executionSuccessful"] is True
    told = [
        (one["level"], one["message"]["text"]) for one in invocation["toolExecutionNotifications"]
    ]
    assert told == [
        ("warning", "calls what is not read: tidy_up()"),
        ("warning", "the SQL is made when it runs: format('DROP TABLE %I')"),
        ("note", "rows of COPY"),
        ("note", 'module "shop.models" is not installed here: its types are unknown'),
    ]
    place = invocation["toolExecutionNotifications"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "migrations/versions/0002_prices.py"
    assert place["region"] == {"startLine": 14}


def test_a_notification_refers_to_a_descriptor(make_result: MakeResult) -> None:
    result = make_result(judged=1, unjudged=(Unjudged("a.sql", 1, None, "a DO block"),))
    run = run_of(format_sarif(result, Timeline(())))
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    described = {one["id"] for one in run["tool"]["driver"]["notifications"]}
    assert notification["descriptor"]["id"] in described


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a/b.sql", "a/b.sql"),
        ("c:\\d.sql", "c%3A%5Cd.sql"),
        ("Größe 1%.sql", "Gr%C3%B6%C3%9Fe%201%25.sql"),
        ("b\udcff.sql", "b%FF.sql"),
        ("a\nb#?.sql", "a%0Ab%23%3F.sql"),
    ],
)
def test_a_path_is_a_relative_uri(
    path: str, uri: str, make_finding: MakeFinding, make_result: MakeResult, list_faults: ListFaults
) -> None:
    location = uri_of(path, make_finding, make_result, list_faults)
    assert location == {"uri": uri, "uriBaseId": "%SRCROOT%"}


def test_a_file_from_elsewhere_has_an_absolute_uri(
    make_finding: MakeFinding, make_result: MakeResult, list_faults: ListFaults
) -> None:
    location = uri_of("/srv/a b.sql", make_finding, make_result, list_faults)
    assert location == {"uri": "file:///srv/a%20b.sql"}


def test_the_base_of_relative_uris_is_told_without_its_place(make_result: MakeResult) -> None:
    bases = run_of(format_sarif(make_result(), Timeline(())))["originalUriBaseIds"]
    assert [*bases] == ["%SRCROOT%"]
    assert "uri" not in bases["%SRCROOT%"]


def test_every_rule_has_what_github_asks_for(
    make_finding: MakeFinding, make_result: MakeResult, list_faults: ListFaults
) -> None:
    document = format_sarif(
        make_result(*(make_finding(rule=name) for name in rules())), Timeline(())
    )
    assert list_faults(document) == []
    described = run_of(document)["tool"]["driver"]["rules"]
    assert [one["id"] for one in described] == [*rules()]
    for one in described:
        assert one["shortDescription"]["text"]
        assert one["fullDescription"]["text"]
        assert one["help"]["text"]
        assert one["properties"]["tags"]
