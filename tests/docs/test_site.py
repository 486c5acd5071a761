"""The documentation site has a page for all there is, and no link in it leads nowhere."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import jsonschema
import pytest

from safemigrate.cli.group import group
from safemigrate.config import check_rule_names, load_config
from safemigrate.lint import FAMILY_KEYS, rules
from safemigrate.model import Property
from safemigrate.review import list_checks
from safemigrate.testing import rule_book
from tests.docs.site import Site, is_external

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Pages that a reader comes to by searching, or by a wrong address.
FOUND_OTHERWISE = {"404.html", "genindex.html", "py-modindex.html", "search.html"}
HOSTS = {"docs.sqlfluff.com", "github.com", "pre-commit.com"}


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield name, command


def test_every_rule_has_its_page(site: Site) -> None:
    for name, rule in rules().items():
        page = site.pages[f"reference/rules/{name}.html"]
        assert page.headings == [name]
        assert page.descriptions == [rule.summary.replace("`", "").replace('"', "'")]


def test_a_page_of_a_rule_has_each_of_its_cases(site: Site) -> None:
    for name, cases in rule_book().items():
        page = site.pages[f"reference/rules/{name}.html"]
        anchors = {one for one in page.anchors if one.startswith(f"{name}-case-")}
        assert anchors == {f"{name}-case-{number}" for number in range(1, len(cases.cases) + 1)}


def test_every_family_of_rules_has_its_page(site: Site) -> None:
    for family, key in FAMILY_KEYS.items():
        page = site.pages[f"reference/rules/family-{key}.html"]
        led_to = {page.follow(link)[0] for link in page.links}
        members = {name for name, rule in rules().items() if rule.family is family}
        assert {f"reference/rules/{name}.html" for name in members} <= led_to


def test_every_command_has_its_page_with_every_option(site: Site) -> None:
    for name, command in commands():
        page = site.pages[f"reference/commands/{name}.html"]
        assert page.headings == [f"safemigrate {name}"]
        options = [one for one in command.params if isinstance(one, click.Option)]
        words = {word for one in options if not one.hidden for word in (*one.opts, "--help")}
        assert {f"cmdoption-safemigrate-{name}-{word.lstrip('-')}" for word in words} <= (
            page.anchors
        )


def test_every_property_and_every_check_has_its_place(site: Site) -> None:
    properties = {f"property-{one.value}" for one in Property}
    checks = {f"check-{name}" for name in list_checks()}

    assert properties <= site.pages["reference/properties.html"].anchors
    assert checks <= site.pages["reference/checks.html"].anchors


def test_a_name_in_a_sentence_leads_to_its_page(site: Site) -> None:
    page = site.pages["verify.html"]
    led_to = {page.follow(link) for link in page.links}

    assert ("reference/properties.html", "property-keeps-rows") in led_to
    assert ("reference/commands/verify.html", "") in led_to


def test_every_page_of_the_sources_is_built(site: Site) -> None:
    sources = {
        path.relative_to(site.sources).with_suffix(".html").as_posix()
        for path in site.sources.rglob("*.md")
    }

    assert sources == set(site.pages) - FOUND_OTHERWISE


def test_every_link_leads_somewhere(site: Site) -> None:
    broken = []
    for page in site.pages.values():
        for link in {one for one in page.links if not is_external(one)}:
            name, anchor = page.follow(link)
            target = site.pages.get(name or "index.html")
            if target is None:
                is_there = (site.folder / name).is_file() and not anchor
            else:
                is_there = not anchor or anchor in target.anchors
            if not is_there:
                broken.append(f"{page.name}: {link}")

    assert broken == []


def test_every_page_can_be_reached_from_the_first(site: Site) -> None:
    seen: set[str] = set()
    waiting = ["index.html"]
    while waiting:
        page = site.pages[waiting.pop()]
        if page.name not in seen:
            seen.add(page.name)
            names = {page.follow(link)[0] for link in page.links if not is_external(link)}
            waiting += names & set(site.pages)

    assert set(site.pages) - seen <= FOUND_OTHERWISE


def test_nothing_is_loaded_from_another_host(site: Site) -> None:
    pages = {one for page in site.pages.values() for one in page.loaded if is_external(one)}
    sheets = "".join(path.read_text("utf-8") for path in site.folder.rglob("*.css"))

    assert pages == set()
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", sheets) == []


def test_links_to_other_hosts_are_secure_and_known(site: Site) -> None:
    links = {one for page in site.pages.values() for one in page.links if is_external(one)}
    ours = {link for link in links if urlsplit(link).scheme != "mailto"}

    assert [link for link in sorted(ours) if urlsplit(link).scheme != "https"] == []
    assert {urlsplit(link).hostname for link in ours} <= HOSTS


def test_every_page_says_in_which_language_it_is_and_how_wide(site: Site) -> None:
    for page in site.pages.values():
        assert re.search(r'<html[^>]* lang="en"', page.text), page.name
        assert 'name="viewport"' in page.text, page.name


def test_the_first_page_shows_what_the_readme_shows() -> None:
    block = re.compile(r"<!-- output: safemigrate lint -->\n```text\n.*?```\n", re.DOTALL)
    shown = block.findall((DOCS / "index.md").read_text("utf-8"))

    assert shown == block.findall((ROOT / "README.md").read_text("utf-8"))
    assert len(shown) == 1


def test_the_variables_of_the_page_are_those_of_the_code() -> None:
    code = "".join(path.read_text("utf-8") for path in sorted((ROOT / "safemigrate").rglob("*.py")))
    told = re.findall(r"^\| `(\w+)` \|", (DOCS / "environment.md").read_text("utf-8"), re.MULTILINE)

    ours = set(re.findall(r"(?<!_)SAFEMIGRATE_[A-Z][A-Z_]*[A-Z]", code))
    assert {name for name in told if name.startswith("SAFEMIGRATE_")} == ours
    assert [name for name in told if name not in code] == []


def list_settings(site: Site) -> list[str]:
    """Return the blocks of configuration that the page of all keys has."""
    text = (site.sources / "reference" / "configuration.md").read_text("utf-8")
    return re.findall(r"```\{code-block\} toml\n:force:\n\n(.*?)```", text, re.DOTALL)


def test_the_examples_of_the_configuration_are_right(site: Site, tmp_path: Path) -> None:
    assert site.pages["reference/configuration.html"].headings == ["Configuration"]
    blocks = list_settings(site)
    for block in blocks:
        (tmp_path / "pyproject.toml").write_text(block, "utf-8")
        config = load_config((tmp_path,))
        check_rule_names(config, rules(), FAMILY_KEYS.values())
    tables = [tomllib.loads(block)["tool"]["safemigrate"] for block in blocks]
    assert {*tables[0]} >= {"baseline", "pg-version", "run", "verify"}
    assert [{*table} for table in tables[1:]] == [{"run"}, {"verify"}]


def write_json(*arguments: str) -> object:
    """Return what a command writes with `--format json` on the example of the README."""
    done = subprocess.run(
        [sys.executable, "-m", "safemigrate", *arguments, "--format", "json"],
        cwd=DOCS / "example",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["explain", "lint", "rule", "plan", "status", "history"])
def test_what_a_command_writes_is_as_its_schema_says(
    name: str, site: Site, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_URL", database)
    assert f"reference/documents/{name}.html" in site.pages
    path = site.sources / f"reference/documents/{name}.schema.json"
    schema = json.loads(path.read_text("utf-8"))

    written = write_json(name)

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(written, schema)
    # each key is told: a schema lets pass what it does not know
    (top,) = (one for one in schema["$defs"].values() if "version" in one.get("properties", {}))
    assert isinstance(written, dict)
    assert {*written} <= {*top["properties"]}
