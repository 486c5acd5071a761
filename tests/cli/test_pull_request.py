"""`safemigrate pull-request`, in jobs of GitHub and GitLab and outside of them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result

from safemigrate.server import Server
from tests.cli.conftest import Git, ProjectFolder, Run
from tests.cli.interrupts import press
from tests.forge.conftest import TOKEN, direct, load_payload
from tests.forge.stand_in import Answer, StandIn, fake_github, fake_gitlab, serving

__all__ = ["direct"]  # a fixture that every test here uses

TABLE = """\
op.create_table(
    "book", sa.Column("id", sa.BigInteger(), primary_key=True), sa.Column("title", sa.Text())
)
"""
DROP = 'op.drop_table("book")'
BAD = 'op.create_index("book_idx", "book", ["title"])'
CONCURRENTLY = """\
with op.get_context().autocommit_block():
    op.{}("book_idx", {}postgresql_concurrently=True)
"""
GOOD = CONCURRENTLY.format("create_index", '"book", ["title"], ')
UNDO = CONCURRENTLY.format("drop_index", "")
RULE = "non-concurrent-index"


def read_head(name: str = "HEAD") -> str:
    """Return the id of a commit."""
    command = ("git", "rev-parse", name)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@dataclass(frozen=True)
class Job:
    """A job for pull request 12: its project, on a branch with a new revision, and its forge."""

    folder: ProjectFolder
    forge: StandIn
    git: Git
    run: Run
    monkeypatch: pytest.MonkeyPatch
    summary: Path

    def commit(self, upgrade: str, message: str = "a commit") -> str:
        """Commit the revision of the branch, written so, and return the path of its file."""
        path = self.folder.revise("bbbb", upgrade, UNDO, after="aaaa")
        self.git("add", ".")
        self.git("commit", "-m", message)
        return path

    def commit_words(self) -> None:
        """Commit what is of no migration."""
        self.folder.write("README.md", "nothing of a migration\n")
        self.git("add", ".")
        self.git("commit", "-m", "words")

    def tell(self, name: str = "pull_request", **changes: str) -> None:
        """Have the event of the job be of that kind, its commits those that there are."""
        payload = load_payload(name)
        if "pull_request" in payload:
            payload["pull_request"]["number"] = 12
            payload["pull_request"]["base"]["sha"] = changes.get("base", read_head("main"))
            payload["pull_request"]["head"]["sha"] = changes.get("head", read_head())
        else:
            payload |= changes
        path = self.summary.parent / "event.json"
        path.write_text(json.dumps(payload))
        self.monkeypatch.setenv("GITHUB_EVENT_PATH", str(path))
        self.monkeypatch.setenv("GITHUB_EVENT_NAME", name.removesuffix("_fork"))

    def judge(self, *options: str) -> Result:
        """Run the command, and nothing on a server."""
        return self.run("pull-request", "--no-verify", *options)


@pytest.fixture
def branch(folder: ProjectFolder, git: Git, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """A project with a table on `main`, and a branch that has added nothing yet."""
    for name in [one for one in os.environ if one.startswith(("GITHUB_", "CI_", "GITLAB_"))]:
        monkeypatch.delenv(name)
    folder.revise("aaaa", TABLE, DROP)
    folder.write(".gitignore", "__pycache__\n")
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    git("switch", "-c", "branch")
    return folder


@pytest.fixture
def make_job(
    branch: ProjectFolder,
    git: Git,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[StandIn], Job]:
    return lambda forge: Job(
        branch, forge, git, run, monkeypatch, tmp_path_factory.mktemp("job") / "summary.md"
    )


@pytest.fixture
def job(make_job: Callable[[StandIn], Job], monkeypatch: pytest.MonkeyPatch) -> Iterator[Job]:
    """A job of GitHub Actions, with a token."""
    with serving(partial(fake_github, token=TOKEN)) as forge:
        job = make_job(forge)
        for name, value in (
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "acme/shop"),
            ("GITHUB_API_URL", forge.url),
            ("GITHUB_TOKEN", TOKEN),
            ("GITHUB_STEP_SUMMARY", str(job.summary)),
        ):
            monkeypatch.setenv(name, value)
        yield job


def test_the_life_of_a_comment(job: Job) -> None:
    path = job.commit(BAD)
    job.tell()
    found = job.judge()

    assert found.exit_code == 1, found.output
    assert found.stdout.startswith(f"::error file={path},line=9,")
    assert found.stderr == "the comment on pull request 12: created\n"
    (body,) = job.forge.bodies
    first, heading = body.splitlines()[:2]
    assert first == "<!-- safemigrate pull-request: alembic.ini -->"
    assert heading == "## ❌ safemigrate: 1 error"
    assert "| SHARE | `public.book` |" in body
    assert job.summary.read_text().strip() == body.removeprefix(first).strip()

    job.commit(GOOD)
    job.tell()
    mended = job.judge()

    assert (mended.exit_code, mended.stderr) == (0, "the comment on pull request 12: updated\n")
    (body,) = job.forge.bodies
    assert body.splitlines()[1] == "## ✅ safemigrate: no findings"

    job.git("rm", "-q", "-f", path)
    job.git("commit", "-m", "taken back")
    job.tell()
    gone = job.judge()

    assert gone.exit_code == 0
    (body,) = job.forge.bodies
    assert body.splitlines()[1] == "## ✅ safemigrate: no new migration"


def test_nothing_new_makes_no_comment(job: Job) -> None:
    job.commit_words()
    job.tell()
    result = job.judge()

    assert result.exit_code == 0
    assert result.stderr.startswith("nothing to judge: no migration is new or changed since")
    assert job.forge.bodies == []
    assert "no new migration" in job.summary.read_text()


@pytest.mark.parametrize(("upgrade", "code"), [(BAD, 1), (GOOD, 0)])
def test_a_fork_may_not_write_and_nothing_else_changes(job: Job, upgrade: str, code: int) -> None:
    job.commit(upgrade)
    job.tell("pull_request_fork")
    refused = Answer(403, {"message": "Resource not accessible by integration"})
    job.forge.faults.extend([refused, refused])
    result = job.judge()

    assert result.exit_code == code
    note, hint = result.stderr.splitlines()
    assert note.startswith(
        "note: no comment on pull request 12, which comes from a fork, was written: GitHub answers "
    )
    assert note.endswith("with 403: Resource not accessible by integration")
    assert hint.startswith("hint: give the job `permissions: pull-requests: write`")
    assert "`bbbb`" in job.summary.read_text()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(401, {"message": "Bad credentials"}), "401: Bad credentials"),
        (Answer(404, {"message": "Not Found"}), "404: Not Found"),
        (Answer(200, b"<html>"), "is not what was expected"),
    ],
)
def test_a_forge_that_cannot_be_used_changes_no_exit_code(
    job: Job, answer: Answer, words: str
) -> None:
    job.commit(BAD)
    job.tell()
    job.forge.faults.append(answer)
    result = job.judge()

    assert result.exit_code == 1
    assert words in result.stderr
    assert "hint: " in result.stderr
    assert TOKEN not in result.output


def test_without_a_token_it_is_said_how_to_get_one(job: Job) -> None:
    job.monkeypatch.delenv("GITHUB_TOKEN")
    job.commit(BAD)
    job.tell()
    result = job.judge()

    assert result.exit_code == 1
    assert "give the step `env: GITHUB_TOKEN: ${{ github.token }}`" in result.stderr
    assert job.forge.asked == []


def test_no_comment_asks_the_forge_nothing(job: Job) -> None:
    job.commit(BAD)
    job.tell()
    result = job.judge("--no-comment")

    assert (result.exit_code, result.stderr) == (1, "")
    assert job.forge.asked == []


def test_the_code_of_the_project_does_not_see_the_token(job: Job) -> None:
    job.commit('import os; op.drop_table(os.environ.get("GITHUB_TOKEN", "unseen"))')
    job.tell()
    job.judge()

    (body,) = job.forge.bodies
    assert "unseen" in body
    assert TOKEN not in body
    assert os.environ["GITHUB_TOKEN"] == TOKEN


def test_every_file_has_paths_from_the_top_of_the_repository(job: Job, tmp_path: Path) -> None:
    inner = tmp_path / "services" / "api"
    inner.mkdir(parents=True)
    job.git("mv", "alembic.ini", "migrations", "services/api")
    job.git("commit", "-m", "move")
    job.git("branch", "-f", "main")
    job.monkeypatch.chdir(inner)
    ProjectFolder(inner).revise("bbbb", BAD, UNDO, after="aaaa")
    job.git("add", ".")
    job.git("commit", "-m", "second")
    job.tell()
    names = ("--sarif", "s.json", "--junit", "j.xml", "--code-quality", "q.json")
    result = job.judge(*names, "--comment-file", "c.md")

    path = "services/api/migrations/versions/bbbb.py"
    assert result.exit_code == 1, result.output
    assert f"::error file={path},line=" in result.stdout
    sarif: Any = json.loads(Path("s.json").read_text())
    (found,) = sarif["runs"][0]["results"]
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == path
    (suite,) = ET.parse("j.xml").getroot()  # noqa: S314 - our own
    assert (suite.attrib["name"], suite.attrib["failures"]) == (path, "1")
    (issue,) = json.loads(Path("q.json").read_text())
    assert issue["location"]["path"] == path
    (body,) = job.forge.bodies
    assert body.startswith("<!-- safemigrate pull-request: services/api/alembic.ini -->\n")
    assert " in `services/api/alembic.ini`\n" in body
    assert Path("c.md").read_text().strip() == body.strip()


def test_what_others_have_merged_meanwhile_is_not_judged(job: Job) -> None:
    job.commit(GOOD)
    before, head = read_head("main"), read_head()
    job.git("switch", "-c", "merged", "main")
    job.folder.revise("cccc", BAD.replace("book_idx", "other"), UNDO, after="aaaa")
    job.git("add", ".")
    job.git("commit", "-m", "of others")
    # as a forge does for the job
    job.git("merge", "--no-ff", "-m", "merge", "branch")
    job.tell(base=before, head=head)
    result = job.judge()

    # only the fork that both make together stops it
    assert result.exit_code == 1, result.output
    assert RULE not in result.stdout
    assert "several heads; 1 warning" in job.forge.bodies[0]
    assert "\n### ⚠️ `bbbb`" in job.forge.bodies[0]
    assert "`cccc`" not in job.forge.bodies[0]


def test_the_target_branch_is_no_pull_request(job: Job) -> None:
    job.commit(BAD)
    head = read_head()
    job.git("switch", "main")
    job.tell(head=head)
    result = job.judge()

    assert result.exit_code == 2
    assert "the branch that pull request 12 goes to is checked out" in result.stderr
    assert head in result.stderr


def test_the_code_of_a_pull_request_is_not_run_beside_secrets(job: Job) -> None:
    job.commit("raise RuntimeError")
    job.tell("pull_request_target")
    result = job.judge("--base", "main")

    assert result.exit_code == 2
    assert 'event "pull_request_target" has the secrets' in result.stderr
    assert job.forge.asked == []


def clone(job: Job, *options: str) -> None:
    """Go on in a clone of the repository."""
    source = job.folder.path
    target = job.summary.parent / "clone"
    job.git("clone", "-q", *options, f"file://{source}", str(target))
    job.monkeypatch.chdir(target)


def test_a_shallow_clone_without_the_base_says_how_to_get_it(job: Job) -> None:
    job.commit(BAD)
    job.tell()
    base = read_head("main")
    clone(job, "--depth", "1", "--branch", "branch")
    result = job.judge()

    assert result.exit_code == 2
    assert f'commit "{base}", where the event "pull_request" begins, is not in' in result.stderr
    assert "fetch-depth: 0" in result.stderr


@pytest.mark.parametrize(
    ("options", "hint"),
    [(("--depth", "1"), "fetch-depth: 0"), (("--single-branch",), "fetch it; or name what")],
)
def test_a_clone_without_the_default_branch_says_how_to_get_it(
    job: Job, options: tuple[str, ...], hint: str
) -> None:
    job.commit(BAD)
    job.tell("push_new_branch")
    clone(job, "--branch", "branch", *options)
    result = job.judge()

    assert result.exit_code == 2
    assert '"origin/main", with which a new branch is compared, is not in' in result.stderr
    assert hint in result.stderr


def test_a_base_that_is_gone_from_a_whole_clone_is_told(job: Job) -> None:
    job.commit(BAD)
    job.tell("push", before="5d" * 20)
    result = job.judge()

    assert result.exit_code == 2
    assert "it may be gone after a forced push" in result.stderr


def test_a_push_is_judged_and_nobody_is_commented(job: Job) -> None:
    job.commit(BAD)
    job.tell("push", before=read_head("main"))
    result = job.judge()

    assert (result.exit_code, result.stderr) == (1, "")
    assert RULE in result.stdout
    assert job.forge.asked == []


def test_a_new_branch_is_judged_against_the_default_one(job: Job) -> None:
    job.commit(BAD)
    clone(job, "--branch", "branch")
    job.tell("push_new_branch")
    result = job.judge()

    assert result.exit_code == 1, result.output
    assert RULE in result.stdout


def test_the_first_push_of_all_names_nothing_to_compare_with(job: Job) -> None:
    job.commit(BAD)
    job.tell("push_new_branch", ref="refs/heads/main")
    result = job.judge()

    assert result.exit_code == 2
    assert 'the event "push_new_branch" does not say what to compare with' in result.stderr


def test_a_deleted_branch_is_nothing_to_judge(job: Job) -> None:
    job.tell("push_deleted")
    result = job.judge()

    assert (result.exit_code, result.stdout) == (
        0,
        "nothing to judge: the branch was deleted\n",
    )


def test_an_event_that_cannot_be_read_is_a_wrong_use(job: Job) -> None:
    job.monkeypatch.setenv("GITHUB_EVENT_PATH", "gone.json")
    result = job.judge()

    assert result.exit_code == 2
    assert '"gone.json" cannot be read' in result.stderr


def test_a_summary_that_cannot_be_written_is_a_note(job: Job) -> None:
    job.commit(GOOD)
    job.tell()
    job.monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job.summary / "below" / "a file"))
    result = job.judge()

    assert result.exit_code == 0
    assert "cannot be written: no such file or directory" in result.stderr


def test_a_server_that_is_not_there_is_told_in_the_comment_and_the_exit_code(job: Job) -> None:
    job.commit(BAD)
    job.tell()
    result = job.run("pull-request", "--server", "postgresql://nobody@127.0.0.1:1/x")

    assert result.exit_code == 2
    assert "error: nothing was proved: " in result.stderr
    assert RULE in result.stdout
    (body,) = job.forge.bodies
    assert "**Not proved**: " in body
    assert body.splitlines()[1] == "## ❌ safemigrate: 1 error; not proved"


def test_strict_fails_for_a_warning(job: Job) -> None:
    job.folder.revise("bbbb", GOOD, after="aaaa")
    job.git("add", ".")
    job.git("commit", "-m", "second")
    job.tell()

    assert job.judge().exit_code == 0
    assert "⚠️ safemigrate: 1 warning" in job.forge.bodies[0]
    assert job.judge("--strict").exit_code == 1


def test_a_merge_request_of_gitlab(
    make_job: Callable[[StandIn], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(partial(fake_gitlab, token=TOKEN)) as forge:
        job = make_job(forge)
        path = job.commit(BAD)
        for name, value in (
            ("GITLAB_CI", "true"),
            ("CI_API_V4_URL", f"{forge.url}/api/v4"),
            ("CI_PROJECT_ID", "42"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", read_head("main")),
            ("CI_COMMIT_SHA", read_head()),
            ("SAFEMIGRATE_GITLAB_TOKEN", TOKEN),
        ):
            monkeypatch.setenv(name, value)
        result = job.judge("--code-quality", "gl.json", "--junit", "junit.xml")

        assert result.exit_code == 1, result.output
        assert result.stdout.startswith(f"error[{RULE}]: ")
        assert result.stderr == "the comment on merge request 7: created\n"
        assert len(forge.bodies) == 1
        assert json.loads(Path("gl.json").read_text())[0]["location"]["path"] == path


@pytest.mark.usefixtures("branch")
def test_elsewhere_somebody_has_to_say_what_to_compare_with(run: Run) -> None:
    result = run("pull-request", "--no-verify")

    assert result.exit_code == 2
    assert "hint: name the reference that the branch left: --base origin/main" in result.stderr


def test_elsewhere_the_report_is_text_and_the_comment_a_file(
    make_job: Callable[[StandIn], Job],
) -> None:
    job = make_job(StandIn(""))
    job.commit(BAD)
    result = job.judge("--base", "main", "--comment-file", "comment.md")

    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout.startswith(f"error[{RULE}]: ")
    assert "## ❌ safemigrate: 1 error" in Path("comment.md").read_text()


def test_an_address_that_is_none_is_a_wrong_use(job: Job) -> None:
    job.commit(BAD)
    job.tell()
    job.monkeypatch.setenv("GITHUB_API_URL", "https://x:abc")
    result = job.judge()

    assert result.exit_code == 2
    assert '"https://x:abc" is no address of an API of GitHub' in result.stderr


def test_the_help_tells_of_every_exit_code(run: Run) -> None:
    text = run("pull-request", "--help").stdout

    assert "stopped before everything was judged and proved" in " ".join(text.split())


def test_a_file_that_cannot_be_written_is_told_before_the_work(job: Job) -> None:
    job.commit(BAD)
    job.tell()
    result = job.judge("--junit", "made.xml", "--sarif", "no/such/folder.sarif")

    assert (result.exit_code, result.stdout) == (2, "")
    assert '"no/such/folder.sarif" cannot be written' in result.stderr
    assert not Path("made.xml").exists()


def test_a_comment_of_an_earlier_commit_does_not_outlive_an_error(job: Job) -> None:
    path = job.commit(GOOD)
    job.tell()
    assert job.judge().exit_code == 0
    job.folder.write("alembic.ini", "no section\n")
    job.commit(GOOD.replace("book_idx", "other"))
    job.tell()
    result = job.judge()

    assert result.exit_code == 2, path
    assert result.stderr.startswith("error: ")
    (body,) = job.forge.bodies
    mark, heading, _, why = body.splitlines()[:4]
    assert mark == "<!-- safemigrate pull-request: alembic.ini -->"
    assert heading == "## ❌ safemigrate: not judged"
    assert why.startswith(f"Could not judge commit `{read_head()[:12]}`: ")


def test_an_error_makes_no_comment_and_is_not_hidden_by_another(job: Job) -> None:
    job.commit(GOOD)
    job.tell(base="5d" * 20)
    result = job.judge()

    assert result.exit_code == 2
    assert job.forge.bodies == []

    job.forge.faults.append(Answer(401, {"message": "Bad credentials"}))
    again = job.judge()

    assert again.exit_code == 2
    note, _, rest = again.stderr.partition("\n")
    assert note.startswith("note: a comment on pull request 12 may be of an earlier commit: ")
    assert rest == result.stderr


def test_several_heads_fail_the_job(job: Job) -> None:
    job.commit(GOOD)
    shelf = TABLE.replace("book", "shelf"), DROP.replace("book", "shelf")
    job.folder.revise("cccc", *shelf, after="aaaa")
    job.git("add", ".")
    job.git("commit", "-m", "a second head")
    job.tell()
    result = job.judge()

    assert result.exit_code == 1
    assert "error: there are 2 heads, " in result.stderr
    (body,) = job.forge.bodies
    assert body.splitlines()[1].startswith("## ❌ safemigrate: several heads; ")
    assert body.count("there are 2 heads") == 1


def test_a_revision_that_is_put_elsewhere_may_make_two_heads(job: Job) -> None:
    job.commit(GOOD)
    more = GOOD.replace("_idx", "_more"), UNDO.replace("_idx", "_more")
    job.folder.revise("cccc", *more, after="bbbb")
    job.git("add", ".")
    job.git("commit", "-m", "two revisions")
    job.git("branch", "-f", "main")
    job.folder.revise("cccc", *more, after="aaaa")
    job.git("commit", "-a", "-m", "a conflict, solved badly")
    job.tell()
    result = job.judge()

    assert result.exit_code == 1, result.output
    assert "error: there are 2 heads, " in result.stderr
    assert "note: there are 2 heads, " in result.stderr
    (body,) = job.forge.bodies
    assert body.splitlines()[1] == "## ❌ safemigrate: several heads; no new migration"


def test_a_fork_that_was_there_before_is_not_of_who_writes_the_readme(job: Job) -> None:
    job.folder.revise("cccc", *(one.replace("book", "shelf") for one in (TABLE, DROP)))
    job.git("add", ".")
    job.git("commit", "-m", "a second head")
    job.git("branch", "-f", "main")
    job.commit_words()
    job.tell()
    result = job.judge()

    assert result.exit_code == 0
    assert job.forge.bodies == []


def release(job: Job) -> str:
    """Have `main` be where the branch is, with its revision in it; return the revision's path."""
    path = job.commit(GOOD)
    job.git("branch", "-f", "main")
    return path


def test_a_released_revision_that_is_gone_is_to_be_looked_at(job: Job) -> None:
    job.git("rm", release(job))
    job.git("commit", "-m", "tidy up")
    job.tell()
    result, strict = job.judge(), job.judge("--strict")

    assert (result.exit_code, strict.exit_code) == (0, 1)
    (body,) = job.forge.bodies
    assert body.splitlines()[1] == "## ⚠️ safemigrate: no new migration"
    assert '**To look at**: revision "bbbb" is gone: a database that is at it can' in body
    assert body.count("is gone") == 1


@pytest.mark.parametrize("options", [("--no-verify",), ()], ids=["judged", "proved"])
def test_what_follows_a_revision_that_is_gone_fails_the_job(
    job: Job, options: tuple[str, ...]
) -> None:
    release(job)
    job.git("rm", "migrations/versions/aaaa.py")
    job.git("commit", "-m", "tidy up")
    job.tell()
    result = job.run("pull-request", *options)

    assert result.exit_code == 1
    assert 'bbbb.py" follows "aaaa", and no file has that revision id' in result.stderr
    assert "hint: Alembic loads no revision then; restore the missing file" in result.stderr
    assert "merge heads" not in result.output
    (body,) = job.forge.bodies
    assert body.splitlines()[1].startswith("## ❌ safemigrate: a revision is missing; ")


def test_what_is_broken_before_is_not_of_who_writes_the_readme(job: Job) -> None:
    release(job)
    job.git("rm", "-q", "migrations/versions/aaaa.py")
    job.git("commit", "-m", "tidy up")
    job.git("branch", "-f", "main")
    job.commit_words()
    job.tell()
    result = job.run("pull-request")

    assert result.exit_code == 0, result.output
    assert job.forge.bodies == []


def test_a_file_that_a_released_revision_reads_is_to_be_looked_at(job: Job) -> None:
    data = job.folder.path / "migrations/versions/book.sql"
    data.write_text("CREATE TABLE shelf (id bigint PRIMARY KEY)")
    path = "from pathlib import Path\nop.execute((Path(__file__).parent / 'book.sql').read_text())"
    job.folder.revise("bbbb", path, 'op.execute("DROP TABLE shelf")', after="aaaa")
    job.git("add", ".")
    job.git("commit", "-m", "second")
    job.git("branch", "-f", "main")
    data.write_text("DROP TABLE book")
    job.git("commit", "-a", "-m", "another thing altogether")
    job.tell()
    result, strict = job.judge(), job.judge("--strict")

    assert (result.exit_code, strict.exit_code) == (0, 1)
    (body,) = job.forge.bodies
    assert body.splitlines()[1] == "## ⚠️ safemigrate: no new migration"
    assert '**To look at**: "migrations/versions/book.sql" is new or changed' in body


def test_what_cannot_be_loaded_is_told_and_never_run(job: Job) -> None:
    job.commit(GOOD)
    file = job.folder.path / "migrations/versions/bbbb.py"
    file.write_text(f"import os\nos._exit(0)\n{file.read_text()}")
    job.git("commit", "-a", "-m", "ends the process")
    job.tell()
    command = (sys.executable, "-m", "safemigrate", "pull-request")
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1, done.stderr
    assert "error: a revision that is new or changed cannot be loaded" in done.stderr
    assert "::warning file=migrations/versions/bbbb.py,line=" in done.stdout
    (body,) = job.forge.bodies
    assert body.splitlines()[1].startswith("## ❌ safemigrate: a revision cannot be loaded; ")
    assert "**Not proved**: a revision cannot be loaded" in body


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_job_that_is_stopped_while_it_judges_says_so(job: Job, number: signal.Signals) -> None:
    job.commit(GOOD)
    job.tell()
    job.judge()
    pipe = job.folder.path / "migrations/versions/cccc.py"
    os.mkfifo(pipe)
    command = (sys.executable, "-m", "safemigrate", "pull-request", "--comment-file", "c.md")
    # opened when the other end is, to be read
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process,
        pipe.open("w"),
    ):
        press(process, number)
        _, said = process.communicate(timeout=60)

    assert process.returncode == 3, said
    assert "error: stopped before everything was judged" in said
    (body,) = job.forge.bodies
    assert body.splitlines()[1] == "## ❌ safemigrate: not judged"
    assert "## ❌ safemigrate: not judged" in Path("c.md").read_text(encoding="utf-8")


def test_only_what_is_refused_is_blamed_on_the_fork(job: Job) -> None:
    job.commit(GOOD)
    job.tell("pull_request_fork")
    job.forge.faults.append(Answer(401, {"message": "Bad credentials"}))
    result = job.judge()

    assert "no comment on pull request 12 was written: " in result.stderr


def test_what_is_new_is_proved(job: Job, embedded_server: Server) -> None:
    job.folder.write("safemigrate.toml", '[verify]\nselect = ["schema"]\n')
    job.commit('op.add_column("book", sa.Column("pages", sa.Integer()))')
    job.tell()
    command = (sys.executable, "-m", "safemigrate", "pull-request", "--junit", "j.xml")
    server = ("--server", embedded_server.url("postgres"))
    done = subprocess.run((*command, *server), capture_output=True, text=True, check=False)

    # the downgrade drops an index that nobody has made
    assert done.returncode == 1, done.stderr
    assert "[1/1] bbbb: breaks " in done.stderr
    assert "title=bbbb%3A restores-schema::" in done.stdout
    (body,) = job.forge.bodies
    assert "#### Proofs" in body
    assert "- ❌ `restores-schema`: " in body
    assert "proofs: " in body.splitlines()[1]
    suites = [one.attrib["name"] for one in ET.parse("j.xml").getroot()]  # noqa: S314 - our own
    path = "migrations/versions/bbbb.py"
    assert suites == [path, f"{path} (bbbb)"]
