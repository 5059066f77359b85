from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from review import bibliography
from review.bibliography import IDENTIFIERS, Reference
from review.errors import InputError
from review.files import HIDING, NO_TEXT

ENTRY = "@article{{one,\n  title = {{{{One}}}},\n  author = {{Doe, Jane}},\n  year = {{2020}},\n{fields}}}\n"


def read(folder: Path, text: str) -> list[Reference]:
    path = folder / "bibliography.bib"
    path.write_bytes(text.encode())
    return bibliography.read(path)


def fields(folder: Path, *lines: str) -> dict[str, str]:
    (reference,) = read(folder, ENTRY.format(fields="".join(f"  {line},\n" for line in lines)))
    return dict(reference.fields)


def problems(folder: Path, text: str) -> list[tuple[int | None, str | None, str]]:
    with pytest.raises(InputError) as caught:
        read(folder, text)
    assert all(problem.remedy for problem in caught.value.problems)
    return [(problem.line, problem.key, problem.message) for problem in caught.value.problems]


def test_an_entry(tmp_path):
    (reference,) = read(tmp_path, "\n\n" + ENTRY.format(fields="").replace("article", "Article"))
    assert reference == Reference("one", "article", {"title": "One", "author": "Doe, Jane", "year": "2020"}, 3)


def test_fields_cannot_be_changed(tmp_path):
    (reference,) = read(tmp_path, ENTRY.format(fields=""))
    with pytest.raises(TypeError):
        reference.fields["title"] = "Two"  # type: ignore[index]


def test_the_order_of_the_file_is_kept(tmp_path):
    text = "".join(ENTRY.format(fields="").replace("{one", f"{{{key}") for key in ("b", "c", "a"))
    assert [(item.key, item.line) for item in read(tmp_path, text)] == [("b", 1), ("c", 6), ("a", 11)]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("note = {plain}", "plain"),
        ('note = "in quotes"', "in quotes"),
        ("note = 12", "12"),
        ("note = jan", "jan"),
        ("NOTE = {name in capitals}", "name in capitals"),
        ("note = {two\n    lines}", "two lines"),
        (r"note = {\"o \'{e} {\ss} \c{c} {\"U}}", "ö é ß ç Ü"),
        (r"note = {A \& B \% \# \_ \$ \{ \}}", "A & B % # _ $ { }"),
        ("note = {A & B, 100% of it}", "A & B, 100% of it"),
        ("note = {1--2 --- 3}", "1–2 — 3"),  # noqa: RUF001
        ("note = {``said''}", "“said”"),
        (r"note = {\emph{in vitro} {DNA}}", "in vitro DNA"),
        (r"note = {$\beta$ and \beta}", r"$\beta$ and β"),
        ("note = {a~b}", "a b"),
        (r"note = {2\^{}3}", "2^3"),
        ("note = {mail@example.org}", "mail@example.org"),
        ("note = {日本語 – ñ}", "日本語 – ñ"),  # noqa: RUF001
    ],
)
def test_values_are_decoded(tmp_path, line, value):
    assert fields(tmp_path, line)["note"] == value


@pytest.mark.parametrize("name", IDENTIFIERS)
def test_identifiers_are_not_tex(tmp_path, name):
    assert fields(tmp_path, f"{name} = {{10.1/a_b%20c~d--e&f#g$h}}")[name] == "10.1/a_b%20c~d--e&f#g$h"
    assert fields(tmp_path, rf"{name} = {{10.1/a\_b\%20\&}}")[name] == "10.1/a_b%20&"


def test_strings_months_and_remarks(tmp_path):
    text = 'made with care\n@preamble{"x"}\n@string{jmir = {J Med}}\n@comment{nothing}\n\n'
    (reference,) = read(tmp_path, text + ENTRY.format(fields="  journal = JMIR,\n  month = feb,\n"))
    assert (reference.fields["journal"], reference.fields["month"], reference.line) == ("J Med", "feb", 6)


def test_round_brackets_and_windows_line_ends(tmp_path):
    text = "@article(one,\r\n  title = {One},\r\n  year = {2020}\r\n)\r\n"
    assert read(tmp_path, text) == [Reference("one", "article", {"title": "One", "year": "2020"}, 1)]


@pytest.mark.parametrize("year", ["1900", "2099"])
def test_years(tmp_path, year):
    (reference,) = read(tmp_path, ENTRY.format(fields="").replace("2020", year))
    assert reference.fields["year"] == year


@pytest.mark.parametrize("year", ["1899", "2100", "20 20", "2020a", "c. 2020", "20２０", "forthcoming"])  # noqa: RUF001
def test_what_is_not_a_year(tmp_path, year):
    ((line, key, message),) = problems(tmp_path, ENTRY.format(fields="").replace("2020", year))
    assert (line, key) == (4, "one")
    assert "is not a year" in message


@pytest.mark.parametrize("key", ["a", "smith2020deep", "DBLP:conf/x".replace("/", ":"), "a.b", "a+b", "a-b", "a_b", "2020x"])
def test_usable_keys(tmp_path, key):
    (reference,) = read(tmp_path, ENTRY.format(fields="").replace("{one", f"{{{key}"))
    assert reference.key == key


@pytest.mark.parametrize("key", ["", "..", "../a", "a/b", "a\\b", ".hidden", "-rf", "ä", "a b", "a'b", "a;b", "a*b", "~a", "a?b"])
def test_unusable_keys(tmp_path, key):
    ((line, _, message),) = problems(tmp_path, ENTRY.format(fields="").replace("{one", f"{{{key}"))
    assert line == 1
    assert message == f"the key {key!r} is not usable"


def test_all_problems_of_a_file_in_order(tmp_path):
    text = (
        "@article{a,\n  year = {20},\n}\n"
        "@artikel{b,\n  title = {B},\n  journal = undefined,\n}\n"
        "@article{c,\n  title = {C},\n}\n"
        "@article{c,\n  title = {C},\n}\n"
        "lost@text\n"
        "@article{d,\n  title = {D\n}\n"
    )
    assert [(line, key) for line, key, _ in problems(tmp_path, text)] == [
        (1, "a"),
        (2, "a"),
        (4, "b"),
        (6, "b"),
        (11, "c"),
        (14, None),
        (15, "d"),
    ]


def test_the_parser_stays_silent_and_its_logger_as_it_was(tmp_path, caplog):
    logger = logging.getLogger("bibtexparser")
    logger.setLevel(logging.INFO)
    try:
        problems(tmp_path, "@article{d,\n  title = {D\n}\n")
        assert logger.level == logging.INFO
    finally:
        logger.setLevel(logging.NOTSET)
    assert not caplog.records


@settings(max_examples=300, deadline=None)
@given(st.text('@articleone{}",=#\\ \n12%', max_size=80) | st.text(max_size=60))
@example("@article{a,title={" + "{" * 900 + "}" * 900 + "}}")
@example("@article{a,title={\\begin{x}}}")
@example("@article{a,title={\\verb}}")
@example("@article{a,title={$}}")
def test_any_text_gives_references_or_an_input_error(tmp_path_factory, text):
    with suppress(InputError):
        found = read(tmp_path_factory.getbasetemp(), text.encode(errors="replace").decode())
        assert found
        assert all(item.fields["title"] and bibliography.KEY.fullmatch(item.key) for item in found)


# --- writing


def test_writing_sorts_by_key_and_leaves_out_empty_fields():
    text = bibliography.write(
        [
            Reference("b", "misc", {"title": "B & C", "note": "", "year": "2020"}, 9),
            Reference("a", "article", {"title": "A", "url": "https://x.org/a_b%20c"}, 1),
        ]
    )
    first = "@article{a,\n  title = {{A}},\n  url = {https://x.org/a_b%20c},\n}\n"
    second = "@misc{b,\n  title = {{B \\& C}},\n  year = {2020},\n}\n"
    assert text == first + "\n" + second


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a & b % c # d _ e $ f", r"a \& b \% c \# d \_ e \$ f"),
        ("{}", r"{\lbrace}{\rbrace}"),
        ("~^\\", r"{\textasciitilde}\^{}{\textbackslash}"),
        ("``x''", "`{}`x'{}'"),
        ("1--2 ö", "1--2 ö"),
    ],
)
def test_escaping(text, escaped):
    assert bibliography.escape(text) == escaped


def plain(text: str) -> str:
    return " ".join(text.split())


REFUSED = [sign for sign in map(chr, (*range(0x2070), 0xFFFE, 0xFFFF)) if NO_TEXT.search(sign) or HIDING.search(sign)]
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters=REFUSED)
TEXT = st.text(LETTERS) | st.text("&%#_$\\{}~^@\"'`,=<>!?ab 1-äß日\n")
ADDRESS = st.text("abcXYZ0189:/.?&=%#_$~+-@,;()<>[]{}\"'!*", min_size=1, max_size=40)


@settings(max_examples=400, deadline=None)
@given(TEXT, TEXT, ADDRESS)
@example("\\", "\\{", "a{")
@example("\\textbackslash x", "$x$ $", "}a")
@example("--", "a~b^c_d%e#f&g$h{i}j\\k", "http://x.org/%7Ea~b_c%20d#e&f")
@example("!`?`", "<<>>", '"')
@example("@article{x,", "}\n\n@article{y,", "@comment{")
@example("\\begin{x}", "\\verb|a|", "$$")
def test_what_is_written_is_read_again(tmp_path_factory, title, note, address):
    given_fields = {
        "title": plain(title) or "-",
        "note": plain(note),
        "url": address.strip() or "-",
        "doi": address.strip() or "-",
    }
    path = tmp_path_factory.getbasetemp() / "round.bib"
    path.write_bytes(
        bibliography.write([Reference("a", "article", given_fields, 1), Reference("b", "misc", given_fields, 1)]).encode()
    )
    # two and three hyphens are dashes, in TeX and here
    expected = {
        name: value if name in IDENTIFIERS else value.replace("---", "—").replace("--", "–")  # noqa: RUF001
        for name, value in given_fields.items()
        if value
    }
    first, second = bibliography.read(path)
    assert (first.key, first.kind, second.key, second.kind) == ("a", "article", "b", "misc")
    assert dict(first.fields) == expected
    assert dict(second.fields) == expected


def test_the_real_bibliography_is_written_as_it_stands(tmp_path, real):
    again = read(tmp_path, bibliography.write(real.references))
    assert [(item.key, item.kind, item.fields) for item in again] == [
        (item.key, item.kind, item.fields) for item in real.references
    ]
