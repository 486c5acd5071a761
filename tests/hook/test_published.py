"""The hooks of this repository, run by pre-commit in a repository that names it."""

import re
from collections.abc import Mapping

import pytest
import yaml

from tests.hook.conftest import ROOT, Published, Shop

MANIFEST = ".pre-commit-hooks.yaml"
HOOKS = {one["id"]: one for one in yaml.safe_load((ROOT / MANIFEST).read_text(encoding="utf-8"))}

# One environment for both hooks: pre-commit makes one for each set of dependencies.
SHARED: Mapping[str, object] = {
    "additional_dependencies": HOOKS["safemigrate-verify"]["additional_dependencies"]
}
LINT = {"id": "safemigrate-lint", **SHARED}
VERIFY = {"id": "safemigrate-verify", **SHARED}

BAD = 'op.create_index("ix_recipe_name", "recipe", ["name"])'
GOOD = """\
with op.get_context().autocommit_block():
    op.create_index("ix_recipe_name", "recipe", ["name"], postgresql_concurrently=True)
"""
UNDO = """\
with op.get_context().autocommit_block():
    op.drop_index("ix_recipe_name", table_name="recipe", postgresql_concurrently=True)
"""
MODELS = """\
from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Recipe(Base):
    __tablename__ = "recipe"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str | None] = mapped_column(Text, index=True)
"""
# as docs/pre-commit.md has it
VERIFY_COMMAND = "pre-commit run --hook-stage manual --all-files safemigrate-verify"
PLACE = re.compile(r"^ *--> (\S+)", re.MULTILINE)


def test_the_manifest_is_one(shop: Shop) -> None:
    shop.check("pre-commit", "validate-manifest", str(ROOT / MANIFEST))
    assert {*HOOKS} == {"safemigrate-lint", "safemigrate-verify"}


def test_an_unsafe_revision_is_refused_at_its_line(shop: Shop, published: Published) -> None:
    shop.use(published.entry(LINT))
    path = shop.revise("0002", BAD, UNDO, after="0001")
    shop.git("add", path)

    done = shop.commit()

    assert done.returncode == 1
    assert "error[non-concurrent-index]" in done.stderr
    line = (shop.path / path).read_text(encoding="utf-8").splitlines().index(f"    {BAD}") + 1
    assert PLACE.findall(done.stderr) == [f"{path}:{line}:5"]
    assert '"shop" is not installed here; stand-ins took its place' in done.stderr
    assert shop.git("log", "--format=%s") == "first"


def test_a_safe_revision_is_committed(shop: Shop, published: Published) -> None:
    shop.use(published.entry(LINT))
    path = shop.revise("0002", GOOD, UNDO, after="0001")
    shop.git("add", path)

    done = shop.commit()

    assert done.returncode == 0, done.stderr
    assert re.search(r"^safemigrate lint\.+Passed$", done.stderr, re.MULTILINE)
    assert path in shop.git("show", "--name-only", "--format=", "HEAD").splitlines()


def test_what_is_not_staged_does_not_matter(shop: Shop, published: Published) -> None:
    shop.use(published.entry(LINT))
    path = shop.revise("0002", GOOD, UNDO, after="0001")
    shop.git("add", path)
    unstaged = shop.revise("0002", BAD, UNDO, after="0001")
    untracked = shop.revise("0003", BAD.replace("ix_recipe_name", "again"), UNDO, after="0001")

    done = shop.commit()

    assert done.returncode == 0, done.stderr
    assert BAD not in shop.git("show", f"HEAD:{path}")
    assert BAD in (shop.path / unstaged).read_text(encoding="utf-8")
    assert shop.git("status", "--short").splitlines() == [f"M {path}", f"?? {untracked}"]


@pytest.mark.parametrize("way", ["all", "named"])
def test_what_git_stages_by_itself_is_judged(shop: Shop, published: Published, way: str) -> None:
    shop.use(published.entry(LINT))
    path = shop.revise("0002", GOOD, UNDO, after="0001")
    shop.git("add", path)
    shop.git("commit", "--quiet", "-m", "second", "--no-verify")
    # such a commit has an index of its own
    shop.revise("0002", BAD, UNDO, after="0001")

    done = shop.commit("-a") if way == "all" else shop.commit("--", path)

    assert done.returncode == 1
    assert "error[non-concurrent-index]" in done.stderr


def test_a_commit_without_migrations_is_not_held_up(shop: Shop, published: Published) -> None:
    shop.use(published.entry(LINT))
    shop.git("commit", "--quiet", "-m", "configuration")
    # faults of the past are not this commit's
    shop.git("add", shop.revise("0002", BAD, UNDO, after="0001"))
    shop.git("commit", "--quiet", "-m", "second", "--no-verify")
    shop.git("add", shop.write("notes.txt", "soup\n"), shop.write("tool.py", "print()\n"))

    done = shop.commit()

    assert done.returncode == 0, done.stderr


def test_a_commit_that_only_deletes_a_revision_is_refused(shop: Shop, published: Published) -> None:
    shop.use(published.entry(LINT))
    shop.git("add", shop.revise("0002", GOOD, UNDO, after="0001"))
    shop.git("add", shop.revise("0003", "pass", "pass", after="0002"))
    shop.git("commit", "--quiet", "-m", "second", "--no-verify")
    shop.git("rm", "--quiet", "migrations/versions/0002.py")

    done = shop.commit()

    assert done.returncode == 1
    assert re.search('^error: .*"0002"', done.stderr, re.MULTILINE)


def test_a_merge_with_a_conflict_elsewhere_is_judged(shop: Shop, published: Published) -> None:
    shop.use(published.entry(LINT))
    shop.git("add", shop.write("notes.txt", "soup\n"))
    shop.git("commit", "--quiet", "-m", "second", "--no-verify")
    shop.git("checkout", "--quiet", "-b", "other")
    shop.git("add", shop.write("notes.txt", "stew\n"), shop.revise("0002", BAD, UNDO, "0001"))
    shop.git("commit", "--quiet", "-m", "third", "--no-verify")
    shop.git("checkout", "--quiet", "main")
    shop.git("add", shop.write("notes.txt", "broth\n"))
    shop.git("commit", "--quiet", "-m", "fourth", "--no-verify")
    assert shop.run("git", "merge", "other").returncode == 1
    shop.git("add", shop.write("notes.txt", "broth and stew\n"))

    done = shop.commit()

    assert done.returncode == 1
    assert "error[non-concurrent-index]" in done.stderr


@pytest.mark.parametrize("args", [[], ["--config", "db/alembic.ini"]], ids=["found", "named"])
def test_a_project_below_the_top_is_judged_and_holds_up_no_other_commit(
    shop: Shop, published: Published, args: list[str]
) -> None:
    shop.use(published.entry({**LINT, "args": args}))
    (shop.path / "db").mkdir()
    shop.git("mv", "alembic.ini", "migrations", "db")
    shop.git("commit", "--quiet", "-m", "second", "--no-verify")
    shop.git("add", shop.write("notes.txt", "soup\n"))

    assert shop.commit().returncode == 0
    path = shop.revise("0002", BAD, UNDO, after="0001")
    (shop.path / path).rename(shop.path / "db" / path)
    shop.git("add", f"db/{path}")
    done = shop.commit()
    assert done.returncode == 1
    assert "error[non-concurrent-index]" in done.stderr


def test_a_hook_may_be_narrowed_to_what_pre_commit_tells_of(
    shop: Shop, published: Published
) -> None:
    narrow = {"always_run": False, "files": "^migrations/versions/"}
    shop.use(published.entry({**LINT, **narrow}))
    shop.git("commit", "--quiet", "-m", "second", "--no-verify")
    shop.git("add", shop.write("notes.txt", "soup\n"))

    done = shop.commit()

    assert done.returncode == 0
    assert "safemigrate lint" in done.stderr
    assert "Skipped" in done.stderr


def test_sql_files_are_judged_with_those_before_them(shop: Shop, published: Published) -> None:
    shop.use(published.entry({**LINT, "args": ["changes"], "files": "^changes/"}))
    old = "CREATE TABLE dish (id bigint PRIMARY KEY);\nCREATE INDEX ON recipe (name);\n"
    shop.git("add", shop.write("changes/0001.sql", old))
    shop.git("commit", "--quiet", "-m", "second", "--no-verify")
    new = "ALTER TABLE dish ADD name text;\n\nALTER TABLE dish ALTER name SET NOT NULL;\n"
    path = shop.write("changes/0002.sql", new)
    shop.git("add", path)

    done = shop.commit()

    assert done.returncode == 1
    assert {one.rpartition(":")[0] for one in PLACE.findall(done.stderr)} == {f"{path}:3"}

    shop.git("add", shop.write("changes/0002.sql", "ALTER TABLE dish ADD name text;\n"))
    assert shop.commit().returncode == 0


def test_verify_proves_the_history_when_it_is_asked_to(shop: Shop, published: Published) -> None:
    shop.use(published.entry(LINT, {**VERIFY, "verbose": True}))
    # the application has to be there: in the repository, or among the dependencies of the hook
    shop.write("shop/__init__.py", "")
    shop.write("shop/settings.py", "class settings:\n    url = 'postgresql://nobody@localhost/n'\n")
    shop.write("shop/models.py", MODELS)
    shop.git("add", ".", shop.revise("0002", GOOD, UNDO, after="0001"))

    done = shop.run(*VERIFY_COMMAND.split())

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^safemigrate verify\.+Passed$", done.stdout, re.MULTILINE)
    assert "Proved 2 revisions on PostgreSQL " in done.stdout
    assert "safemigrate lint" not in done.stdout


def test_verify_is_no_part_of_a_commit(shop: Shop, published: Published) -> None:
    shop.use(published.entry(VERIFY))
    shop.git("add", shop.revise("0002", BAD, "pass", after="0001"))

    done = shop.commit()

    assert done.returncode == 0, done.stderr
    assert "safemigrate verify" not in done.stderr
