"""How a change is made in the text of one file, and where it is left to the user."""

import ast
from dataclasses import replace
from pathlib import Path
from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safemigrate.model import (
    Change,
    Code,
    Confidence,
    Direction,
    Finding,
    IgnoreRemoval,
    Replacement,
    Rewording,
    Severity,
    Span,
    Statement,
)
from safemigrate.source import (
    Edit,
    Refusal,
    apply_edits,
    edit_ignore,
    edit_revision,
    edit_sql,
    open_project,
    read_sql_files,
    record,
)
from safemigrate.source.editing import find_change

ENV = """\
from alembic import context
from sqlalchemy import create_engine
with create_engine("postgresql://").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

HEAD = """\
import sqlalchemy as sa
from alembic import op
revision = "0001"
down_revision = None
"""

OTHER_HEAD = """\
from alembic import op
revision, down_revision = '0001', None
def upgrade():
"""

UPGRADE = "def upgrade():\n    op.create_index('i', 't', ['a'])\n"

CONCURRENTLY = (("postgresql_concurrently", "True"),)
ALONE = "its call does not stand by itself in the body of upgrade()"
STRING = "its SQL is not one plain string"
THEN = Code("SELECT 2", 'op.execute("SELECT 2")')


def fixed_sql(text: str, change: Change, folder: Path, number: int = 0) -> str | Refusal:
    """Return the file of SQL with the change made to one of its statements."""
    path = folder / "file.sql"
    path.write_bytes(text.encode())
    (migration,) = read_sql_files([path]).migrations
    edits = edit_sql(migration.text, migration.upgrade[number], change)
    return edits if isinstance(edits, Refusal) else apply_edits(migration.text, edits)


def fixed_revision(text: str, change: Change, folder: Path, number: int = 0) -> str | Refusal:
    """Return the revision with the change made to one of the statements of upgrade()."""
    (folder / "versions").mkdir(exist_ok=True)
    (folder / "versions" / "0001_it.py").write_text(text, encoding="utf-8")
    (folder / "env.py").write_text(ENV, encoding="utf-8")
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n", encoding="utf-8")
    (migration,) = record(open_project(folder / "alembic.ini")).migrations
    statement = migration.upgrade[number]
    change = _with_statement(change, statement)
    edits = edit_revision(migration.text, statement, change, migration.upgrade)
    return edits if isinstance(edits, Refusal) else apply_edits(migration.text, edits)


def _with_statement(change: Change, statement: Statement) -> Change:
    """Return the rewording of the statement that was sent, for one that says only how."""
    if not isinstance(change, Rewording) or change.sql:
        return change
    return replace(change, sql=statement.sql.replace("INDEX", "INDEX CONCURRENTLY"))


def index(*, is_outside: bool = True, then: Code | None = None) -> Rewording:
    """Return the change that makes an index of any name a concurrent one."""
    return Rewording("", "create_index", CONCURRENTLY, is_outside, then)


def fixed_body(
    body: str, folder: Path, change: Change | None = None, number: int = 0
) -> str | Refusal:
    """Return the body of upgrade() with the change made, an index of its own by default."""
    head = f"{HEAD}def upgrade():\n"
    text = head + indent(dedent(body), "    ")
    fixed = fixed_revision(text, change or index(), folder, number)
    return fixed if isinstance(fixed, Refusal) else dedent(fixed.removeprefix(head))


# SQL


def test_only_what_is_new_is_written() -> None:
    assert apply_edits("a\nb\n", [Edit(2, 2, "x\n"), Edit(0, 1, "")]) == "\nx\nb\n"


def test_a_statement_keeps_all_that_stands_around_and_inside_it(tmp_path: Path) -> None:
    text = "/* ü */ SELECT 1 ; CREATE INDEX -- ä\n i ON t (a) ; -- end\n"
    change = Rewording("CREATE INDEX CONCURRENTLY -- ä\n i ON t (a)", "create_index")
    assert fixed_sql(text, change, tmp_path, 1) == text.replace("INDEX", "INDEX CONCURRENTLY")


def test_what_follows_a_statement_has_its_line_endings_and_its_margin(tmp_path: Path) -> None:
    change = Rewording("SELECT 1", "execute", then=THEN)
    fixed = fixed_sql("\r\n  SELECT 1\r\n  ; -- one\r\nSELECT 3\r\n", change, tmp_path)
    assert fixed == "\r\n  SELECT 1\r\n  ; -- one\r\n  SELECT 2;\r\nSELECT 3\r\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", "SELECT 1;\nSELECT 2"),
        ("SELECT 1\n", "SELECT 1;\nSELECT 2\n"),
        ("SELECT 1;", "SELECT 1;\nSELECT 2;"),
        ("SELECT 1 -- ; none\n;\n", "SELECT 1 -- ; none\n;\nSELECT 2;\n"),
        (
            "SELECT 1 /* ; /* none */ */;SELECT 3;",
            "SELECT 1 /* ; /* none */ */; SELECT 2;SELECT 3;",
        ),
        ("SELECT 1; /* a\n b */ SELECT 3;", "SELECT 1; SELECT 2; /* a\n b */ SELECT 3;"),
    ],
)
def test_a_second_statement_goes_behind_the_first(text: str, expected: str, tmp_path: Path) -> None:
    change = Rewording("SELECT 1", "execute", then=THEN)
    assert fixed_sql(text, change, tmp_path) == expected


def test_a_statement_that_psql_sends_otherwise_gets_no_second_one(tmp_path: Path) -> None:
    change = Rewording("SELECT 1", "execute", then=THEN)
    assert fixed_sql("SELECT 1 \\gx\n", change, tmp_path) == Refusal("no semicolon ends it")


def test_several_statements_have_the_margin_of_the_one_they_replace(tmp_path: Path) -> None:
    change = Replacement(Code("SELECT 1;\nSELECT 2", ""), "execute")
    fixed = fixed_sql("SELECT 0;\n\tSELECT 9; -- end", change, tmp_path, 1)
    assert fixed == "SELECT 0;\n\tSELECT 1;\n\tSELECT 2; -- end"


def test_a_file_that_does_not_say_what_was_run_is_left_alone() -> None:
    statement = Statement("SELECT 1", "a.sql", Span(1, 1, 1, 9), None, Direction.UPGRADE, 1, None)
    change = Rewording("SELECT 2", "execute")
    assert edit_sql("SELECT 3", statement, change) == Refusal(
        "it does not stand in the file as it is run"
    )


@given(st.text("ab\n"), st.text("ab\n"), st.text("ab\n"))
def test_the_difference_of_two_texts_makes_one_of_the_other(
    before: str, after: str, head: str
) -> None:
    edit = find_change(before, after, len(head))
    assert apply_edits(head + before, [edit]) == head + after


# Calls


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            'op.create_index("i", "t", ["a"])',
            'op.create_index("i", "t", ["a"], postgresql_concurrently=True)',
        ),
        (
            'op.create_index("i", "t", ["a"],)',
            'op.create_index("i", "t", ["a"], postgresql_concurrently=True,)',
        ),
        (
            'op.create_index("i", "t", ["a"], postgresql_concurrently = not True)',
            Refusal("it has an argument postgresql_concurrently of its own"),
        ),
        (
            'op.create_index("i", "t", ["a"], postgresql_concurrently = False)',
            'op.create_index("i", "t", ["a"], postgresql_concurrently = True)',
        ),
        (
            'op.create_index("ü", "ß", ["a"])  # ä',
            'op.create_index("ü", "ß", ["a"], postgresql_concurrently=True)  # ä',
        ),
        (
            'op.create_index("i", "t", (["a"]))',
            'op.create_index("i", "t", (["a"]), postgresql_concurrently=True)',
        ),
        (
            'op.create_index("i", "t", **{"columns": ["a"]})',
            Refusal("its arguments are not all written out"),
        ),
        (
            'op.execute("CREATE INDEX i ON t (a)")',
            'op.execute("CREATE INDEX CONCURRENTLY i ON t (a)")',
        ),
        (
            "op.execute(sa.text(r'CREATE INDEX i ON t (a);'))",
            "op.execute(sa.text(r'CREATE INDEX CONCURRENTLY i ON t (a);'))",
        ),
        ("op.execute('CREATE INDEX i ' 'ON t (a)')", Refusal(STRING)),
        ("op.execute('CREATE INDEX \\\"i\\\" ON t (a)')", Refusal(STRING)),
        ("op.execute(f'CREATE INDEX i ON {\"t\"} (a)')", Refusal(STRING)),
        ("op.execute(sa.DDL('CREATE INDEX i ON t (a)'))", Refusal(STRING)),
        (
            "op.get_bind().execute(sa.text('CREATE INDEX i ON t (a)'))",
            Refusal("it is sent by another call than one of op's"),
        ),
    ],
)
def test_a_call_gets_what_makes_it_send_the_new_statement(
    call: str, expected: str | Refusal, tmp_path: Path
) -> None:
    fixed = fixed_body(call + "\n", tmp_path)
    if isinstance(expected, Refusal):
        assert fixed == expected
    else:
        block = "with op.get_context().autocommit_block():\n"
        assert fixed == f"{block}    {expected}\n"


def test_a_call_of_several_lines_gets_one_more(tmp_path: Path) -> None:
    fixed = fixed_body(
        """\
        op.create_index(
            "i",
            "t",
            [
                "a",  # first

            ],  # all
            # no more
        )
        """,
        tmp_path,
    )
    assert fixed == dedent(
        """\
        with op.get_context().autocommit_block():
            op.create_index(
                "i",
                "t",
                [
                    "a",  # first

                ],  # all
                postgresql_concurrently=True,
                # no more
            )
        """
    )


def test_a_string_of_several_lines_is_not_moved(tmp_path: Path) -> None:
    fixed = fixed_body(
        '''\
        op.execute(
            """
        CREATE INDEX i
          ON t (a)
            """
        )
        ''',
        tmp_path,
    )
    assert fixed == dedent(
        '''\
        with op.get_context().autocommit_block():
            op.execute(
                """
        CREATE INDEX CONCURRENTLY i
          ON t (a)
            """
            )
        '''
    )


def test_our_comment_above_a_call_goes_into_the_block_with_it(tmp_path: Path) -> None:
    fixed = fixed_body(
        """\
        # The names.
        # safemigrate: ignore[other-rule] because
        # safemigrate: ignore[another-rule] because
        op.create_index("i", "t", ["a"])
        """,
        tmp_path,
    )
    assert fixed == dedent(
        """\
        # The names.
        with op.get_context().autocommit_block():
            # safemigrate: ignore[other-rule] because
            # safemigrate: ignore[another-rule] because
            op.create_index("i", "t", ["a"], postgresql_concurrently=True)
        """
    )


def test_the_blanks_are_those_of_the_file(tmp_path: Path) -> None:
    text = f'{HEAD}def upgrade():\n\top.create_index("i", "t", ["a"])\n'
    fixed = fixed_revision(text, index(then=THEN), tmp_path)
    assert isinstance(fixed, str)
    assert fixed.endswith(
        "\n\twith op.get_context().autocommit_block():\n"
        '\t\top.create_index("i", "t", ["a"], postgresql_concurrently=True)\n'
        '\twith op.get_context().autocommit_block():\n\t\top.execute("SELECT 2")\n'
    )


def test_a_last_line_without_an_end_gets_one_behind_it(tmp_path: Path) -> None:
    text = f'{HEAD}def upgrade():\n    op.create_index("i", "t", ["a"])'
    fixed = fixed_revision(text, index(is_outside=False, then=THEN), tmp_path)
    assert isinstance(fixed, str)
    assert fixed.endswith(
        'True)\n    with op.get_context().autocommit_block():\n        op.execute("SELECT 2")'
    )


def test_what_runs_outside_a_transaction_already_needs_no_block(tmp_path: Path) -> None:
    body = """\
        bind = op.get_bind()
        with op.get_context().autocommit_block():
            op.create_index("i", "t", ["a"])
        """
    assert fixed_body(body, tmp_path, index(then=THEN)) == dedent(
        """\
        bind = op.get_bind()
        with op.get_context().autocommit_block():
            op.create_index("i", "t", ["a"], postgresql_concurrently=True)
            op.execute("SELECT 2")
        """
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "for n in 'ab':\n    op.create_index(n, 't', ['a'])\n",
            "one call sends several statements",
        ),
        ("for n in 'a':\n    op.create_index(n, 't', ['a'])\n", ALONE),
        ("if True:\n    op.create_index('i', 't', ['a'])\n", ALONE),
        ("with open('/dev/null'):\n    op.create_index('i', 't', ['a'])\n", ALONE),
        ("x = op.create_index('i', 't', ['a'])\n", ALONE),
        ("op.create_index('i', 't', ['a']); 1\n", ALONE),
        ("1; op.create_index('i', 't', ['a'])\n", ALONE),
        ("def build():\n    op.create_index('i', 't', ['a'])\nbuild()\n", ALONE),
        (
            "with op.batch_alter_table('t') as batch:\n    batch.create_index('i', ['a'])\n",
            ALONE,
        ),
        (
            "op.execute('CREATE INDEX i ON t (a); CREATE INDEX j ON t (a)')\n",
            "one call sends several statements",
        ),
        (
            "op.add_column('t', sa.Column('a', sa.Text()))\n",
            "op.add_column() cannot be told to do so",
        ),
    ],
)
def test_a_call_that_does_not_plainly_send_the_statement_is_left_alone(
    body: str, reason: str, tmp_path: Path
) -> None:
    assert fixed_body(body, tmp_path) == Refusal(reason)


@pytest.mark.parametrize(
    "other",
    [
        "bind = op.get_bind()",
        "print()",
        "if 'x' == 'y':\n    op.execute('SELECT 3')",
        "for n in []:\n    op.execute('SELECT 3')",
        "with open('/dev/null'):\n    pass",
        "with op.get_context().autocommit_block():\n    bind = 1",
        "return",
    ],
)
def test_a_transaction_is_not_ended_among_other_code(other: str, tmp_path: Path) -> None:
    body = f"op.create_index('i', 't', ['a'])\n{other}\n"
    reason = "upgrade() does more than call operations, and its transaction would end half-way"
    assert fixed_body(body, tmp_path) == Refusal(reason)
    alone = fixed_body('"""Names."""\nop.create_index("i", "t", ["a"])\npass\n', tmp_path)
    assert not isinstance(alone, Refusal)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            OTHER_HEAD.replace("op", "op as o") + "    o.create_index('i', 't', ['a'])\n",
            "the file does not say `from alembic import op`",
        ),
        (
            f"{HEAD}import functools\n@functools.cache\n{UPGRADE}",
            ALONE,
        ),
        (
            f"{HEAD}{UPGRADE.replace('upgrade', 'build')}upgrade = build\n",
            ALONE,
        ),
    ],
)
def test_a_revision_of_another_make_is_left_alone(text: str, reason: str, tmp_path: Path) -> None:
    assert fixed_revision(text, index(), tmp_path) == Refusal(reason)


REPLACEMENT = Replacement(Code("", "op.f(\n    1\n)\nsa.text('')"), "create_index")


def test_a_replacement_has_the_margin_of_the_call(tmp_path: Path) -> None:
    fixed = fixed_body("op.create_index('i',\n  't', ['a'])  # why\n", tmp_path, REPLACEMENT)
    assert fixed == "op.f(\n    1\n)\nsa.text('')  # why\n"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("op.create_index(\n    'i', 't', ['a']  # why\n)\n", "there are comments in the call"),
        (
            "with op.get_context().autocommit_block():\n    op.create_index('i', 't', ['a'])\n",
            "it stands in an autocommit block already",
        ),
    ],
)
def test_a_replacement_is_not_made_where_something_would_be_lost(
    body: str, reason: str, tmp_path: Path
) -> None:
    assert fixed_body(body, tmp_path, REPLACEMENT) == Refusal(reason)


def test_a_replacement_needs_the_names_it_uses(tmp_path: Path) -> None:
    text = f"{OTHER_HEAD}    op.create_index('i', 't', ['a'])\n"
    reason = "the file does not import sqlalchemy as sa"
    assert fixed_revision(text, REPLACEMENT, tmp_path) == Refusal(reason)


BLANKS = st.lists(st.sampled_from(["", " ", "\n    ", "  # a, b)\n", "\n\n"]), max_size=3).map(
    "".join
)


@given(
    blanks=st.lists(BLANKS, min_size=7, max_size=7),
    has_comma=st.booleans(),
    is_outside=st.booleans(),
)
def test_a_call_of_any_layout_gets_the_argument_and_keeps_its_comments(
    *, blanks: list[str], has_comma: bool, is_outside: bool
) -> None:
    parts = [
        "op.create_index(",
        "'i'",
        ",",
        '"""t\n"""',
        ",",
        "['a']",
        "," if has_comma else "",
        ")",
    ]
    call = "".join(part + blank for part, blank in zip(parts, [*blanks, ""], strict=True))
    text = f"{HEAD}def upgrade():\n    {call}  # end\n    pass\n"
    node = ast.parse(text).body[-1]
    assert isinstance(node, ast.FunctionDef)
    place = node.body[0]
    span = Span(
        place.lineno, place.col_offset + 1, place.end_lineno or 0, (place.end_col_offset or 0) + 1
    )
    statement = Statement("", "a.py", span, "0001", Direction.UPGRADE, 1, 1)
    edits = edit_revision(text, statement, index(is_outside=is_outside), (statement,))
    assert not isinstance(edits, Refusal)
    fixed = apply_edits(text, edits)
    inner = "op.create_index('i', 't\\n', ['a'], postgresql_concurrently=True)"
    block = f"with op.get_context().autocommit_block():\n        {inner}"
    expected = f"def upgrade():\n    {block if is_outside else inner}\n    pass"
    assert ast.unparse(ast.parse(fixed).body[-1]) == expected
    assert fixed.count("#") == text.count("#")


# Comments


def finding_at(text: str, words: str = "safemigrate:") -> Finding:
    """Return a finding at the comment with the words, to the end of its line."""
    before, _, behind = text.partition(words)
    mark = max(before.rfind("--"), before.rfind("#"))
    line = text.count("\n", 0, mark) + 1
    column = mark - text.rfind("\n", 0, mark)
    end = column + len(before) - mark + len(words) + len(behind.partition("\n")[0].rstrip())
    return Finding(
        "unused-ignore",
        Severity.WARNING,
        Confidence.HIGH,
        "this ignore",
        "why",
        "a.sql",
        Span(line, column, line, end),
        None,
        Direction.UPGRADE,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;\n  -- safemigrate: ignore[x] why\nb;\n", "a;\nb;\n"),
        ("a;\r\n-- safemigrate: ignore[x] why\r\nb;\r\n", "a;\r\nb;\r\n"),
        ("a; -- safemigrate: ignore[x] why  \r\nb;\r\n", "a;  \r\nb;\r\n"),
        ("a;\t# safemigrate: ignore[x] why\nb\n", "a;\nb\n"),
        ("a\n# safemigrate: ignore[x] why", "a\n"),
        ("# safemigrate:ignore [y, x ,z] why\n", "# safemigrate:ignore [y, z] why\n"),
        (
            "-- safemigrate: ignore[x] why\n-- safemigrate: ignore[y] why\na;\n",
            "-- safemigrate: ignore[y] why\na;\n",
        ),
        ("a; -- safemigrate: ignore[x] why\n-- more\n", "a;\n-- more\n"),
        ("a  # safemigrate: ignore[x] issue #12\n", "a\n"),
        ("a; -- safemigrate: ignore[x] issue # 12, step--wise\n", "a;\n"),
        (
            "a  # safemigrate: ignore[x, y] why  # noqa\n",
            "a  # safemigrate: ignore[y] why  # noqa\n",
        ),
    ],
)
def test_a_name_is_taken_out_of_an_ignore_and_the_comment_with_the_last(
    text: str, expected: str
) -> None:
    edits = edit_ignore(text, finding_at(text), IgnoreRemoval("x"))
    assert not isinstance(edits, Refusal)
    assert apply_edits(text, edits) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  # safemigrate: ignore[x] why  # noqa: E501\nb\n", "a  # noqa: E501\nb\n"),
        ("a; -- safemigrate: ignore[x] why -- noqa: LT02\r\n", "a; -- noqa: LT02\r\n"),
        ("  # safemigrate: ignore[x] why #noqa  # nosec\na\n", "  #noqa  # nosec\na\n"),
        ("a  # safemigrate: ignore[x]  # nosec\n", "a  # nosec\n"),
    ],
)
def test_what_other_tools_read_behind_an_ignore_stays(text: str, expected: str) -> None:
    edits = edit_ignore(text, finding_at(text), IgnoreRemoval("x"))
    assert not isinstance(edits, Refusal)
    assert apply_edits(text, edits) == expected


def test_an_ignore_in_the_reason_of_another_does_not_come_to_hold() -> None:
    text = "a; -- safemigrate: ignore[x] why -- safemigrate: ignore[y] why\n"
    assert edit_ignore(text, finding_at(text), IgnoreRemoval("x")) == Refusal(
        "another ignore stands behind it"
    )


def test_a_comment_that_may_go_on_below_is_left_alone() -> None:
    text = "-- safemigrate: ignore[x] for the reason\n-- that nobody needs it\na;\n"
    edits = edit_ignore(text, finding_at(text), IgnoreRemoval("x"))
    assert edits == Refusal("the comment may go on in the next line")


def test_a_comment_that_is_not_there_is_left_alone() -> None:
    text = "-- safemigrate: ignore[x] why\na;\n"
    moved = replace(finding_at(text), span=Span(2, 1, 2, 3))
    assert edit_ignore(text, moved, IgnoreRemoval("x")) == Refusal(
        "the comment does not stand there"
    )
