"""YAML to plain values: what a word means, what is refused, and where it stands."""

import time

import pytest

from router.config.yaml_document import BROKEN, MAX_BYTES, Document, dotted, read_document

ENVIRON = {"SET": "value", "EMPTY": "", "YAML": "{a: [1]}", "RAW": "\udcff"}


def _read(text: str) -> Document:
    return read_document("f.yaml", text.encode(), ENVIRON)


def _told(document: Document) -> list[str]:
    return [str(problem).removeprefix("f.yaml:") for problem in document.problems]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *((word, word) for word in ("on", "no", "yes", "off", "y", "N")),
        *((word, word) for word in ("010", "0x1F", "0o7", "0b1", "1_000", "12:30:00", "+.5", ".5")),
        *((word, word) for word in ("2026-11-21", "2026-11-21T08:00:00Z", "1.", "=", "<<x")),
        *((word, word) for word in (".inf", ".NaN", "1e999", "9" * 101, "TrUe", "nULL")),
        *((f"'{word}'", word) for word in ("true", "1", "null", "1.5", "")),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("1.50", 1.5),
        ("1e3", 1000.0),
    ],
)
def test_a_word_means_what_it_means_in_json(word: str, value: object) -> None:
    """Of YAML's readings of plain words only those of JSON are left, quoted ones are text."""
    document = _read(f"a: {word}\n")

    assert document.data == {"a": value}
    assert isinstance(document.data, dict)
    assert type(document.data["a"]) is type(value)
    assert _told(document) == []


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "null", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(text: str) -> None:
    """Nothing is written, so nothing is set."""
    assert _read(text).data == {}


def test_keys_are_text() -> None:
    """A key is what is written, whatever YAML would make of it."""
    assert _read("1: a\non: b\ntrue: c\n<<: d\n").data == {
        "1": "a",
        "on": "b",
        "true": "c",
        "<<": "d",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${SET}", "value"),
        ("a${SET}b${SET}", "avaluebvalue"),
        ("${EMPTY}", ""),
        ("${EMPTY:-default}", "default"),
        ("${UNSET:-}", ""),
        ("${UNSET:-127.0.0.1:9092}", "127.0.0.1:9092"),
        ("${YAML}", "{a: [1]}"),
        ("'${SET}'", "value"),
        ("$SET $ {SET}", "$SET $ {SET}"),
    ],
)
def test_variables_are_expanded_after_parsing(text: str, value: str) -> None:
    """A variable is text and stays text, whatever it holds."""
    document = _read(f"a: {text}\n")

    assert (document.data, _told(document)) == ({"a": value}, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: ${UNSET}", "1:4: a: the environment variable UNSET is not set"),
        ("a: ${1}", "1:4: a: expected ${NAME} or ${NAME:-default}"),
        ("a: ${SET", "1:4: a: expected ${NAME} or ${NAME:-default}"),
        ("a: ${RAW}", "1:4: a: a variable of the environment is not UTF-8 text"),
        ("a: b\na: c", "2:1: a: duplicate key, the first is in line 1; remove one of them"),
        (
            "x:\n  a: b\n  'a': {b: [c]}",
            "3:3: x.a: duplicate key, the first is in line 2; remove one of them",
        ),
        ("a: &x b", "1:4: a: anchors (&name) are not allowed; remove it, or quote the value"),
        (
            "a: [b, *x]",
            "1:8: a[1]: aliases (*name) are not allowed; write the value again, or quote it",
        ),
        ("a: !!str b", "1:4: a: tags (!name) are not allowed; remove it, or quote the value"),
        ("!!map {a: b}", "1:1: tags (!name) are not allowed; remove it, or quote the value"),
        (
            "a: !!python/object/apply:os.system [id]",
            "1:4: a: tags (!name) are not allowed; remove it, or quote the value",
        ),
        ("a: !x b", "1:4: a: tags (!name) are not allowed; remove it, or quote the value"),
        (
            "? [a, [b]]\n: c",
            "1:3: a key must be plain text: no list, alias, anchor or tag; quote text that looks so",
        ),
        (
            "&x a: b",
            "1:1: a key must be plain text: no list, alias, anchor or tag; quote text that looks so",
        ),
        (
            "*x : b",
            "1:1: a key must be plain text: no list, alias, anchor or tag; quote text that looks so",
        ),
        (
            "!!str a: b",
            "1:1: a key must be plain text: no list, alias, anchor or tag; quote text that looks so",
        ),
        (
            '"\\ud800": b',
            "1:1: a key must be plain text: no list, alias, anchor or tag; quote text that looks so",
        ),
        (
            "x: {? [a] : b, c: d}",
            "1:7: x: a key must be plain text: no list, alias, anchor or tag; quote text that looks so",
        ),
        ("a: b\n---\nc: d", "3:1: a second YAML document; remove the line --- and what follows"),
        ('a: "\\ud800"', "1:4: a: half of a surrogate pair is no text"),
    ],
)
def test_what_could_mislead_is_refused(text: str, told: str) -> None:
    """Each of these has its place, and reading goes on behind it."""
    assert _told(_read(text)) == [told]


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("a: b\n c: d", "2:3", "no key can be here; check the indentation, or quote text"),
        ("a: b\nb:c\nc: d", "2:3", "a space is missing behind the colon"),
        ("a:\n  b:c\n  d: e", "2:5", "a space is missing behind the colon"),
        ("a: b\nc\nd: e", "2:1", "a key without a colon and a space behind it"),
        ("a: - b", "1:4", "a list with - begins in a line of its own"),
        ("a: b: c", "1:5", "no key can be here; check the indentation, or quote text"),
        ("a: [b", "1:6", "a comma or ] is missing"),
        ("a: {b: c\nd: e", "2:2", "a comma or } is missing"),
        ("a:\n    b: c\n  d: e", "3:3", "this fits no line above; check the indentation"),
        ("a: 'hunter2\nb: c", "1:4", "this quote is not closed"),
        ('a: "hunter2\n---\nb', "1:4", "this quote is not closed before ---"),
        ('a: "C:\\hunter2"', "1:8", "an unknown escape; write \\\\ for \\, or use single quotes"),
        ("a: @hunter2", "1:4", "no text begins with this character; quote it"),
        ("a: %hunter2", "1:4", "no text begins with this character; quote it"),
        ("a: &", "1:5", "a name is missing; quote text that begins with & or *"),
        ("a: !hunter2!x b", "1:4", "tags (!name) are not allowed; quote text that begins with !"),
        ("a: |hunter2", "1:5", "behind | or > stands nothing but a comment"),
        ("a:\n\t- b", "2:1", "a tab; indent with spaces"),
        ("a: b\n\tc: d", "2:1", "a tab; indent with spaces"),
        ("a:\tb", "1:3", "a tab; use spaces"),
        ("{a: b} c", "1:8", "nothing may follow here; check brackets and indentation"),
        ("a: b\nc: \x07", "2:4", "a control character; remove it"),
        ("a: b\nc: \0", "2:4", "a NUL; save the file as UTF-8"),
        ('a: "\\U00110000"', "1:7", "a number out of range"),
    ],
)
def test_a_syntax_error_has_its_place(text: str, place: str, told: str) -> None:
    """What is no YAML gives no values, says where it stops being YAML and what to change."""
    document = _read(text)

    assert document.data is BROKEN
    assert _told(document) == [f"{place}: not valid YAML: {told}"]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be", "utf-16-le"])
def test_utf_16_is_told(codec: str) -> None:
    """With or without a byte-order mark, the message says what to do."""
    mark = "" if codec == "utf-16" else "\ufeff"
    told = _told(read_document("f.yaml", f"{mark}a: b\n".encode(codec), {}))
    unmarked = _told(read_document("f.yaml", "a: b\n".encode("utf-16-le"), {}))

    assert told == ["1:1: UTF-16 text; save the file as UTF-8"]
    assert unmarked == ["1:2: not valid YAML: a NUL; save the file as UTF-8"]


def test_bytes_that_are_no_text_have_their_place() -> None:
    """Columns count characters, and a byte-order mark is none."""
    document = read_document("f.yaml", b"\xef\xbb\xbfa: b\n\xc3\xa9: \xff", {})

    assert _told(document) == ["2:4: not UTF-8 text; save the file as UTF-8"]


@pytest.mark.parametrize(
    "text", ["[" * 3000, "{" * 60_000, "a: " + "[" * 40 + "]" * 40, "- " * 3000]
)
def test_depth_is_bounded_before_it_costs(text: str) -> None:
    """A nested file is refused at its 33rd level, without reading to its end."""
    begin = time.process_time()
    document = _read(text)

    assert document.data is BROKEN
    assert _told(document)[0].endswith("not valid YAML: nested deeper than 32 levels")
    assert time.process_time() - begin < 0.5  # milliseconds; PyYAML alone takes a second or more


def test_32_levels_are_read() -> None:
    """The bound is where it says."""
    document = _read("[" * 32 + "]" * 32)

    assert _told(document) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{a:b, c: d}", ["1:2: 'a:b': a space is missing behind the colon"]),
        ("a: {b.c:1}", ["1:5: a.'b.c:1': a space is missing behind the colon"]),
        ("a:b: ", ["1:1: 'a:b': a space is missing behind the colon"]),
        ("{'a:b'}", []),
        ("{a:b: null}", []),
        ("{a:b: ''}", []),
        ("{http://a}", []),
        ("{a}", []),
    ],
)
def test_a_key_that_holds_its_value_is_refused(text: str, told: list[str]) -> None:
    """YAML takes `{a:b}` for a key without a value, which nobody means; with one it may be."""
    assert _told(_read(text)) == told


def test_size_is_bounded() -> None:
    """512 KiB are read, one byte more is not looked at."""
    assert _told(_read("#" * MAX_BYTES)) == []
    assert _told(_read("[" * (MAX_BYTES + 1))) == [
        "1:1: larger than the 512 KiB that are read; is it the right file?"
    ]


def test_an_alias_bomb_stays_small() -> None:
    """No alias is followed, so nothing grows."""
    lines = ["a: &a [x, x, x]", "b: &b [*a, *a, *a]", "c: &c [*b, *b, *b]", "d: [*c, *c, *c]"]
    document = _read("\n".join(lines))

    assert document.data == {
        "a": ["x"] * 3,
        "b": [BROKEN] * 3,
        "c": [BROKEN] * 3,
        "d": [BROKEN] * 3,
    }
    assert len(document.problems) == 3 + 9


def test_a_problem_finds_the_nearest_place() -> None:
    """A missing value is reported at what surrounds it, a key at the key."""
    document = _read("a:\n  b:\n    - c: d\n")

    places = [
        document.problem(path, "m", at_key=at_key)
        for path, at_key in [(("a", "b", 0, "c"), False), (("a", "b", 0, "c"), True)]
    ]
    assert [(place.line, place.column) for place in places] == [(3, 10), (3, 7)]
    assert str(document.problem(("a", "b", 0, "x"), "m")) == "f.yaml:3:7: a.b[0].x: m"
    assert str(document.problem(("x", "y"), "m")) == "f.yaml:1:1: x.y: m"


def test_odd_keys_are_quoted_and_cut() -> None:
    """A key cannot forge a line of output."""
    assert dotted(("a", "data.b", 0, 1)) == "a.data.b[0][1]"
    assert dotted(("a\n\x1b[31m",)) == "'a\\n\\x1b[31m'"
    assert len(dotted(("x" * 1000,))) == 66
