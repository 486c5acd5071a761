"""Loops whose order changes from run to run."""

import textwrap

import pytest

from safemigrate.source.ordering import find_unordered


@pytest.mark.parametrize(
    "code",
    [
        "for name in {'a', 'b'}:\n    op.drop_table(name)",
        "for name in set(names):\n    op.drop_table(name)",
        "for name in frozenset(names):\n    bind.execute(name)",
        "for name in {one for one in names}:\n    op.drop_table(name)",
        "for name in list({'a', 'b'}):\n    op.drop_table(name)",
        "for number, name in enumerate(set(names)):\n    op.drop_table(name)",
        "for name in set(old) - set(new):\n    op.drop_table(name)",
        "for name in set(old).difference(new):\n    op.drop_table(name)",
        "[op.drop_table(name) for name in {'a', 'b'}]",
        "for name in {'a', 'b'}:\n    if name:\n        connection.scalar(name)",
    ],
)
def test_loop_over_a_set_that_sends_is_found(code: str) -> None:
    assert find_unordered("\n\n" + code) == (3,)


@pytest.mark.parametrize(
    "code",
    [
        "for name in sorted({'a', 'b'}):\n    op.drop_table(name)",
        "for name in ['a', 'b']:\n    op.drop_table(name)",
        "for name in {'a': 1, 'b': 2}:\n    op.drop_table(name)",
        "for name in {'a'}:\n    op.drop_table(name)",
        "for name in {'a', 'b'}:\n    names.append(name)",
        "for name in set():\n    op.drop_table(name)",
        "names = {op.f(name) for name in names}",
        "for name in dict.fromkeys(names):\n    op.drop_table(name)",
        "for name in (",
    ],
)
def test_what_keeps_its_order_or_sends_nothing_is_not(code: str) -> None:
    assert find_unordered(code) == ()


def test_all_lines_are_told_in_order() -> None:
    text = textwrap.dedent(
        """
        def upgrade():
            for a in {1, 2}:
                for b in {3, 4}:
                    op.execute(b)

        def downgrade():
            [op.execute(a) for a in {1, 2}]
        """
    )

    assert find_unordered(text) == (3, 4, 8)
