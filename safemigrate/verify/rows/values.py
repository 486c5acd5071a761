"""Values of every type, as text that the type reads.

Each type has a few values that are awkward without being absurd: the empty text, microseconds, a
number that the next smaller type does not hold, zeros behind the point. None is so large that
ordinary arithmetic fails on it. After them comes a series of as many as are wanted, all different.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from safemigrate.verify.rows.tables import Type

__all__ = ["Pool", "find_pool"]

_MANY = 10**9
_SHORT = 15  # a text with a number does not fit


@dataclass(frozen=True, slots=True)
class Pool:
    """The values of one type: `first`, and then `series(0)`, `series(1)` and so on, `size` in all.

    `rare`: values that the type allows, and that are used where a condition takes no others.
    """

    first: tuple[str, ...]
    series: Callable[[int], str] | None = field(default=None, compare=False)
    size: int = _MANY
    rare: tuple[str, ...] = ()
    is_guess: bool = False

    def value(self, position: int) -> str:
        """Return the value at a position; all below `size` are different."""
        position %= max(self.size, 1)
        if position < len(self.first) or self.series is None:
            return self.first[position % len(self.first)]
        return self.series(position - len(self.first))

    def within(self, encoding: str) -> "Pool":
        """Return the same values with question marks for letters that an encoding does not have."""
        series = self.series

        def write(text: str) -> str:
            return text.encode(encoding, "replace").decode(encoding)

        return replace(
            self,
            first=tuple(dict.fromkeys(map(write, self.first))),
            series=None if series is None else lambda i: write(series(i)),
            rare=tuple(map(write, self.rare)),
        )


def find_pool(types: Mapping[int, Type], oid: int, modifier: int = -1) -> Pool:
    """Return the values of a type; `modifier`: its length or precision, as pg_attribute has it."""
    one = types[oid]
    if one.kind == "d":
        return find_pool(types, one.base, one.base_modifier)
    if one.kind == "e":
        return _fixed(*(one.labels or ()))
    if one.kind == "c":
        return _composite(types, one)
    if one.element:
        return _array(find_pool(types, one.element, modifier), types[one.element].delimiter)
    if one.kind in {"r", "m"}:
        return _range(find_pool(types, one.subtype), is_multi=one.kind == "m")
    make = _SIZED.get(one.name)
    if make is not None:
        return make(modifier)
    known = _PLAIN.get(one.name)
    if known is not None:
        return known
    return _text(modifier) if one.category == "S" else _GUESSES


def _fixed(*values: str) -> Pool:
    return Pool(values, size=len(values))


def _integer(*first: int, start: int, size: int = _MANY) -> Pool:
    return Pool(tuple(map(str, first)), lambda i: str(start + i), size)


def _numeric(modifier: int) -> Pool:
    """Return numbers with all their digits; a scale may be negative, from PostgreSQL 15 on."""
    if modifier < 0:
        first = ("1.10", "0", "-2.500", "1.1", "12345678901234567890.123456789")
        return Pool(first, lambda i: f"{i + 10}.{i % 100:02}")
    precision = (modifier - 4) >> 16 & 0xFFFF
    scale = ((modifier - 4) & 0x7FF ^ 1024) - 1024

    def write(digits: int) -> str:
        return f"{digits}e{-scale}"

    largest = 10 ** (precision - 1) + 1 if precision > 1 else 9
    values = tuple(dict.fromkeys(write(one) for one in (1, 0, -1, largest)))
    size = 10**precision - 2
    return Pool(values, lambda i: write((i + 2) % 10**precision), min(_MANY, size))


_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _spell(number: int, width: int) -> str:
    """Return the number in letters."""
    letters = ""
    while number or not letters:
        number, digit = divmod(number, 26)
        letters = _LETTERS[digit] + letters
    return letters.rjust(width, "a")


def _text(modifier: int) -> Pool:
    """Return texts of at most so many characters, one of them as long as may be."""
    first: tuple[str, ...] = ("text", "", "Äpfel und 漢字", ' it\'s "quoted", 100%_\\ ', "x" * 300)
    if modifier < 0:
        return Pool(first, lambda i: f"text {i}")
    length = modifier - 4
    fitting = (*(one for one in first if len(one) <= length), "x" * length)
    values = tuple(dict.fromkeys(fitting))
    if length > _SHORT:
        return Pool(values, lambda i: f"text {i}"[:length])
    size = len(values) + 26**length
    return Pool(values, lambda i: _spell(i, length).upper()[-length:], min(_MANY, size))


def _padded(modifier: int) -> Pool:
    """Return texts for `character(n)`, where blanks at the end do not count."""
    pool = _text(5 if modifier < 0 else modifier)
    first = tuple(dict.fromkeys(one.rstrip(" ") for one in pool.first))
    return Pool(first, pool.series, pool.size)


def _bits(modifier: int) -> Pool:
    length = max(modifier, 1)
    values = dict.fromkeys(("1" * length, "0" * length, ("10" * length)[:length]))
    return Pool(tuple(values), lambda i: f"{i % 2**length:0{length}b}", min(_MANY, 2**length))


def _varying_bits(modifier: int) -> Pool:
    if modifier < 0:
        return Pool(("101", "", "1"), lambda i: f"{i + 8:b}")
    return _bits(modifier)


_DAY = date(2024, 1, 1)
_MOMENT = datetime(2024, 1, 1, 12, 0, 0, 123456)  # noqa: DTZ001 - written with a zone, or without


def _later_day(i: int) -> str:
    return (_DAY + timedelta(days=i % 300_000)).isoformat()


def _later_moment(i: int) -> str:
    return (_MOMENT + timedelta(hours=7 * (i % 1_000_000), microseconds=i)).isoformat(" ")


def _time_of_day(i: int) -> str:
    return (_MOMENT + timedelta(seconds=i % 86_400)).time().isoformat()


def _vector(modifier: int) -> Pool:
    length = modifier if modifier > 0 else 3

    def write(number: float) -> str:
        return "[" + ",".join([str(number)] * length) + "]"

    return Pool((write(1), write(0.5)), lambda i: write(i + 2))


def _json(*rare: str) -> Pool:
    first = ('{"a": 1, "b": [true, null, "ä"]}', "{}", '{"a": {"b": 1.10}}')
    return Pool(first, lambda i: f'{{"n": {i}}}', rare=("[]", "[1]", '"a"', "1", "true", *rare))


_SIZED: Mapping[str, Callable[[int], Pool]] = {
    "bit": _bits,
    "bpchar": _padded,
    "numeric": _numeric,
    "varbit": _varying_bits,
    "varchar": _text,
    "vector": _vector,
}
_PLAIN: Mapping[str, Pool] = {
    "bool": _fixed("true", "false"),
    "int2": _integer(1, 0, -1, 300, start=1000, size=30_000),
    "int4": _integer(1, 0, -1, 40_000, start=100_000),
    "int8": _integer(1, 0, -1, 3_000_000_000, start=4_000_000_000),
    "oid": _integer(1, start=100_000),
    "xid": _integer(1, start=1000),
    "xid8": _integer(1, start=1000),
    "cid": _integer(1, start=1000),
    "tid": Pool(("(0,1)",), lambda i: f"({i},1)"),
    "float4": Pool(("1.5", "0", "-2.25", "0.1"), lambda i: f"{i}.5", 100_000, rare=("NaN",)),
    "float8": Pool(("1.5", "0", "-2.25", "0.1"), lambda i: f"{i}.5", rare=("NaN",)),
    "money": Pool(("1.23", "0", "-5.01"), lambda i: f"{i + 10}.07"),
    "text": _text(-1),
    "name": Pool(("name", "Name"), lambda i: f"name_{i}"),
    "char": _fixed("a", "b", "Z", "0"),
    "bytea": Pool((r"\x00ff", r"\x", r"\xdeadbeef"), lambda i: rf"\x01{i:08x}"),
    "uuid": Pool(
        ("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        lambda i: f"5afe0000-0000-4000-8000-{i:012x}",
    ),
    "json": _json("null"),
    "jsonb": _json("null"),
    "jsonpath": Pool(("$.a",), lambda i: f"$.a[{i}]"),
    "xml": Pool(("<a/>", "<a b='1'>ä</a>"), lambda i: f"<n>{i}</n>"),
    "date": Pool(("2024-02-29", "1900-01-01", "2999-12-31"), _later_day, 300_000),
    "time": Pool(("12:34:56.789012", "00:00:00", "23:59:59.999999"), _time_of_day, 86_000),
    "timetz": Pool(
        ("12:34:56.789012+05:30", "00:00:00+00", "23:59:59.999999-08"),
        lambda i: f"{_time_of_day(i)}+02",
        86_000,
    ),
    "timestamp": Pool(
        ("2024-02-29 12:34:56.789012", "1900-01-01 00:00:00", "2999-12-31 23:59:59.999999"),
        _later_moment,
        900_000,
    ),
    "timestamptz": Pool(
        (
            "2024-02-29 12:34:56.789012+05:30",
            "1900-01-01 00:00:00+00",
            "2999-12-30 23:59:59.999999-08",
        ),
        lambda i: f"{_later_moment(i)}+00",
        900_000,
    ),
    "interval": Pool(
        ("1 day", "0", "-1 mon 2 days 03:04:05.678901", "1 year"), lambda i: f"{i + 2} minutes"
    ),
    "inet": Pool(
        ("192.0.2.1", "192.0.2.0/24", "2001:db8::1"),
        lambda i: f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}",
        2**24,
        rare=("2001:db8::2", "2001:db8::/64", "::1"),
    ),
    "cidr": Pool(
        ("192.0.2.0/24", "2001:db8::/32"),
        lambda i: f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}/32",
        2**24,
        rare=("2001:db8:1::/48", "2001:db8::7/128"),
    ),
    "macaddr": Pool(("08:00:2b:01:02:03",), lambda i: f"0a0000{i:06x}", 2**24),
    "macaddr8": Pool(("08:00:2b:01:02:03:04:05",), lambda i: f"0a000000{i:08x}"),
    "tsvector": Pool(("'cat':1 'dog':2", ""), lambda i: f"'word{i}':1"),
    "tsquery": Pool(("'cat' & 'dog'", "'cat'"), lambda i: f"'word{i}'"),
    "point": Pool(("(1,2)", "(0,0)", "(-1.5,0.25)"), lambda i: f"({i},{i})"),
    "line": Pool(("{1,2,3}",), lambda i: f"{{1,2,{i + 4}}}"),
    "lseg": Pool(("[(0,0),(1,1)]",), lambda i: f"[({i},0),(1,{i + 2})]"),
    "box": Pool(("(1,1),(0,0)",), lambda i: f"({2 * i + 3},1),({2 * i + 2},0)"),
    "path": Pool(("((0,0),(1,1),(2,0))", "[(0,0),(1,1)]"), lambda i: f"[({i},0),(1,1)]"),
    "polygon": Pool(("((0,0),(1,1),(2,0))",), lambda i: f"(({i + 3},0),(1,1),(2,0))"),
    "circle": Pool(("<(0,0),1>",), lambda i: f"<({4 * i + 4},0),1>"),
    "pg_lsn": Pool(("0/16B3748", "0/0"), lambda i: f"1/{i:X}"),
    "pg_snapshot": Pool(("10:20:10,14",), lambda i: f"10:{i + 11}:"),
    "txid_snapshot": Pool(("10:20:10,14",), lambda i: f"10:{i + 11}:"),
    "regclass": _fixed("pg_class", "pg_type", "pg_proc"),
    "regtype": _fixed("integer", "text", "boolean"),
    "regproc": _fixed("now", "version"),
    "regprocedure": _fixed("now()", "version()"),
    "regoper": _fixed("|/", "||/"),
    "regoperator": _fixed("+(integer,integer)", "-(integer,integer)"),
    "regnamespace": _fixed("pg_catalog", "information_schema"),
    "regconfig": _fixed("simple", "english"),
    "regdictionary": _fixed("simple"),
    "regcollation": _fixed('"C"', '"POSIX"'),
    "hstore": Pool(('"a"=>"1", "b"=>NULL', ""), lambda i: f'"n"=>"{i}"'),
    "ltree": Pool(("top.science", ""), lambda i: f"top.n{i}"),
    "lquery": Pool(("top.*",), lambda i: f"top.n{i}.*"),
    "cube": Pool(("(1,2,3)",), lambda i: f"({i},2,3)"),
    "seg": Pool(("1",), lambda i: f"{i + 2}"),
    "isbn": _fixed("978-0-393-04002-9"),
    "geometry": Pool(("POINT(1 2)",), lambda i: f"POINT({i} {i})"),
    "geography": Pool(("POINT(1 2)",), lambda i: f"POINT({i % 180} {i // 180 % 90})"),
}
# A type that nobody told us of may read one of these.
_GUESSES = Pool(
    ("1", "a", "0", "", "{}", "[]", "()", "(1,2)", "[1,2]", "1.5", "2024-01-01", "a.b", "t"),
    lambda i: str(i + 2),
    is_guess=True,
)


def _quote_part(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _array(element: Pool, delimiter: str) -> Pool:
    def write(*parts: str | None) -> str:
        quoted = ("NULL" if part is None else _quote_part(part) for part in parts)
        return "{" + delimiter.join(quoted) + "}"

    first = (write(element.value(0)), "{}", write(element.value(0), element.value(1), None))
    rare = (write(element.value(0), element.value(1)), write(*map(element.value, range(3))))
    return Pool(
        first,
        lambda i: write(element.value(i // 7 + 1), *map(element.value, range(i % 7))),
        _MANY if element.size == _MANY else 7 * max(element.size - 1, 1),
        rare,
        is_guess=element.is_guess,
    )


def _range(subtype: Pool, *, is_multi: bool) -> Pool:
    """Return ranges of one value each, which overlap no other, and one without an end."""

    def write(position: int) -> str:
        bound = _quote_part(subtype.value(position))
        return f"{{[{bound},{bound}]}}" if is_multi else f"[{bound},{bound}]"

    first, open_ = subtype.value(0), "{{[{},)}}" if is_multi else "[{},)"
    return Pool(
        (write(0),),
        lambda i: write(i + 1),
        subtype.size,
        (open_.format(_quote_part(first)), "{}" if is_multi else "empty"),
    )


def _composite(types: Mapping[int, Type], one: Type) -> Pool:
    parts = [find_pool(types, oid, modifier) for oid, modifier in one.parts or ()]

    def write(position: int) -> str:
        return "(" + ",".join(_quote_part(part.value(position)) for part in parts) + ")"

    size = max((part.size for part in parts), default=1)
    return Pool((write(0),), lambda i: write(i + 1), size, is_guess=any(p.is_guess for p in parts))
