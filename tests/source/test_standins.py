"""What a stand-in does when it is asked to be something."""

import asyncio
import enum
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import declarative_base
from sqlalchemy.schema import CreateTable

from safemigrate.source.standins import StandIn, is_stand_in
from safemigrate.source.standins_types import Uses


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def stand(told: list[str]) -> Callable[[str], Any]:
    """Make a stand-in whose uses are told to `told`."""
    return lambda origin: StandIn(origin, Uses(told.append))


def render(column: "sa.Column[Any]") -> str:
    table = sa.Table("t", sa.MetaData(), column)
    text = str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]  # SQLAlchemy has no annotations here
    return " ".join(text.split())


def test_attributes_calls_and_items_are_stand_ins(stand: Callable[[str], Any]) -> None:
    module = stand("app")

    assert is_stand_in(module.models.User)
    assert is_stand_in(module.Thing(1)[0].x)
    assert module.x is module.x


def test_protocols_are_not_there(stand: Callable[[str], Any]) -> None:
    for name in ("__clause_element__", "__html__", "_private"):
        assert not hasattr(stand("app.x"), name)


def test_a_class_that_is_made_decides_nothing(stand: Callable[[str], Any], told: list[str]) -> None:
    stand("app.types").GUID(length=3)

    assert told == []


def test_a_function_that_is_called_may_send_anything(
    stand: Callable[[str], Any], told: list[str]
) -> None:
    stand("app.helpers").add_columns("t")

    assert told == ['calls "app.helpers.add_columns", which cannot be loaded here']


def test_writing_to_a_log_is_no_use(stand: Callable[[str], Any], told: list[str]) -> None:
    stand("app.logger").info("hello")

    assert told == []


@pytest.mark.parametrize(
    ("look", "answer"),
    [
        (bool, False),
        (len, 0),
        (list, []),
        (int, 1),
        (str, "unknown_app_x"),
        (lambda one: f"{one:>20}", "unknown_app_x"),
        (lambda one: one == 3, False),
        (lambda one: one > 3, False),
        (lambda one: 3 in one, False),
        (lambda one: isinstance(3, one), False),
        (lambda one: "a" + one, "aunknown_app_x"),
    ],
    ids=["true", "length", "items", "number", "text", "format", "equal", "more", "in", "is", "add"],
)
def test_a_question_is_answered_and_told(
    stand: Callable[[str], Any], told: list[str], look: Callable[[Any], object], answer: object
) -> None:
    assert look(stand("app.x")) == answer
    assert 'uses "app.x", which cannot be loaded here' in told


def test_it_can_be_unpacked(stand: Callable[[str], Any]) -> None:
    first, second = stand("app.pair")

    assert is_stand_in(first)
    assert is_stand_in(second)


def test_arithmetic_stays_unknown(stand: Callable[[str], Any]) -> None:
    assert is_stand_in(-(stand("app.x") * 2 + 1) // 3)
    assert is_stand_in(2 - stand("app.x"))
    assert is_stand_in(stand("app.X") | None)


def test_what_is_decorated_stays_what_it_is(stand: Callable[[str], Any]) -> None:
    app = stand("app")

    @app.task  # type: ignore[untyped-decorator]  # it is nothing that a type checker knows
    def one() -> int:
        return 1

    @app.task(retries=2)
    class Two:
        value = 2

    assert one() == 1
    assert Two.value == 2


def test_a_class_given_to_a_function_is_not_decorated(stand: Callable[[str], Any]) -> None:
    class Model: ...

    assert is_stand_in(stand("app.session").query(Model))


def test_it_is_a_base_class_beside_others(stand: Callable[[str], Any]) -> None:
    item = TypeVar("item")

    class Plain(stand("app.Base")):  # type: ignore[misc]  # it is no class
        name = "x"

    class Typed(stand("app.Base")[int], Generic[item]): ...  # type: ignore[misc]  # as above

    class Abstract(Plain, ABC):
        @abstractmethod
        def run(self) -> None: ...

    class Option(Plain, table=True): ...  # type: ignore[call-arg]  # as above

    class Kind(stand("app.Mixin"), enum.Enum):  # type: ignore[misc]  # as above
        ONE = 1

    assert Plain(size=3).size == 3
    assert is_stand_in(Plain().other)
    assert is_stand_in(Option.query)
    assert Typed() is not None
    assert Kind.ONE.value == 1
    with pytest.raises(TypeError):
        Abstract()


def test_a_mapped_class_beside_one_is_mapped(stand: Callable[[str], Any]) -> None:
    class Audited(stand("app.Audit")): ...  # type: ignore[misc]  # it is no class

    class Tag(declarative_base(), Audited):  # type: ignore[misc]  # the base is made at run time
        __tablename__ = "tags"
        id = sa.Column(sa.Integer, primary_key=True)

    assert str(sa.select(Tag.id)) == "SELECT tags.id \nFROM tags"


def test_it_works_with_and_await_and_for(stand: Callable[[str], Any]) -> None:
    async def run() -> list[object]:
        async with stand("app.session") as session:
            await session.begin()
            return [one async for one in session.rows]

    with stand("app.lock") as lock:
        assert is_stand_in(lock)
    assert asyncio.run(run()) == []


def test_metadata_is_real(stand: Callable[[str], Any]) -> None:
    base = stand("app.Base")

    sa.Table("t", base.metadata, sa.Column("id", sa.Integer))

    assert list(base.metadata.tables) == ["t"]


@pytest.mark.parametrize(
    "make",
    [
        lambda one: one,
        lambda one: one(length=3),
        lambda one: sa.String().with_variant(one(), "postgresql"),
    ],
    ids=["class", "instance", "variant"],
)
def test_a_column_type_is_named_after_where_it_is_from(
    stand: Callable[[str], Any], make: Callable[[Any], Any]
) -> None:
    assert render(sa.Column("id", make(stand("app.types.GUID")))) == (
        'CREATE TABLE t ( id safemigrate_unknown."app.types.GUID" )'
    )


def test_an_array_of_an_unknown_type_is_one(stand: Callable[[str], Any]) -> None:
    column: sa.Column[Any] = sa.Column("ids", postgresql.ARRAY(stand("app.GUID")))

    assert 'ids safemigrate_unknown."app.GUID"[]' in render(column)


def test_the_variant_for_postgresql_is_known(stand: Callable[[str], Any]) -> None:
    kind = stand("app.JSON")().with_variant(postgresql.JSONB(), "postgresql")

    assert render(sa.Column("data", kind)) == "CREATE TABLE t ( data JSONB )"


def test_a_type_based_on_an_unknown_one_has_its_own_name(stand: Callable[[str], Any]) -> None:
    class Money(stand("app.Decorator")): ...  # type: ignore[misc]  # it is no class

    class Wrapped(sa.TypeDecorator[Any]):
        impl = stand("app.GUID")
        cache_ok = True

    assert "Money" in render(sa.Column("price", Money()))
    assert 'x safemigrate_unknown."app.GUID"' in render(sa.Column("x", Wrapped()))


def test_an_unknown_enum_has_no_values_and_says_so(
    stand: Callable[[str], Any], told: list[str]
) -> None:
    kind = sa.Enum(stand("app.State"), name="state")

    assert list(kind.enums) == []
    assert told


def test_a_lazy_proxy_gives_what_its_function_does(stand: Callable[[str], Any]) -> None:
    proxy = stand("lazy.Proxy")(lambda: sa.BigInteger)

    assert render(sa.Column("id", proxy)) == "CREATE TABLE t ( id BIGINT )"


def test_it_is_selected_from_as_a_table(stand: Callable[[str], Any], told: list[str]) -> None:
    statement = sa.select(stand("app.User")).where(sa.column("id") == 3)

    assert 'FROM safemigrate_unknown."app.User"' in str(statement)
    assert told
