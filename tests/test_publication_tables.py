"""Tables for a paper: their numbers, and the same content in HTML, LaTeX, Word and CSV, byte by byte."""

import io
import os
import re
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from collections import Counter
from dataclasses import replace

import docx
import lxml.html
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylatexenc.latex2text import LatexNodes2Text
from statsmodels.stats.proportion import proportion_confint

from review import cli, comparison_tables, corpus, paths, published, report, statistics
from review import publication_tables as tables
from review.browser import find_browser
from review.errors import ReviewError, UnknownNameError
from review.paper_html import fragment, page
from review.paper_latex import escape, to_latex
from review.paper_table import Column, Group, Link, PaperTable, clean, counted_column, interval, parts, plain, span, to_csv, write
from review.paper_word import to_word

SECOND = paths.ROOT / "examples" / "second-review"
EVIL = '<script>alert("1")</script> & 50 % of $x_1 #2 {~^\\} it\'s'


@pytest.fixture(scope="module")
def made(real):
    return {table.name: table for table in tables.every(real, resamples=50)}


@pytest.fixture(scope="module")
def hostile():
    """A table whose texts are full of signs that mean something in one of the formats."""
    return PaperTable(
        "hostile",
        f"Title {EVIL}",
        (
            Column("Name [a]", 0.4),
            Column("One & two", 0.2, "right", "Span_1"),
            Column("Three", 0.2, "right", "Span_1"),
            Column("Four", 0.2),
        ),
        (
            Group(
                "Group & more", ((EVIL, "1", "2", (f"before {EVIL} ", Link("doi:10.1/a_b", "https://doi.org/10.1/a_b%7Ec#d&e"))),)
            ),
            Group("Empty", ()),
            Group("", (("[starts like an option]", "*", "\u2212\u20071.5", "5\u201310 \u4e2d"),)),
        ),
        (f"Note {EVIL}", "Second note."),
        pd.DataFrame({"text": [EVIL, None], "number": [1.5, float("nan")]}),
    )


def cells(table):
    """Return the texts of all rows."""
    return [[plain(cell) for cell in row] for group in table.groups for row in group.rows]


def rows(table):
    """Return the texts of the rows by their first cell."""
    return {row[0]: row[1:] for row in cells(table)}


# --- numbers


def test_reproduction_has_the_published_counts_and_calls_them_by_construction(made):
    table = made["reproduction"]
    found = rows(table)
    assert found["Unstructured text"] == ["78.0", "46 (78.0)", "65.9\u201386.6", "46", "0", "by construction"]
    assert found["Multimodal"] == [
        "8.4",
        "\u20075 \u2007(8.5)".lstrip("\u2007"),
        "3.7\u201318.4",
        "5",
        "0",
        "by construction",
    ] or (found["Multimodal"][1].replace("\u2007", "") == "5 (8.5)")
    counts = {name: row[1].replace("\u2007", "").split()[0] for name, row in found.items()}
    assert list(counts.values()) == ["46", "8", "5", "44", "12", "3", "16", "26", "8"]
    assert all(row[3] == counts[name] for name, row in found.items()), "a published count has one value over all reconstructions"
    assert {row[-1] for row in found.values()} == {"by construction"}
    assert [group.title for group in table.groups] == ["Data modality", "Generation method", "Evaluation"]
    assert "by construction" in table.notes[0]
    assert any("language models" in note for note in table.notes)
    assert any("Multimodal, 8.4 % (by difference to 100)" in note for note in table.notes)
    assert "doi 10.1080/01621459.1927.10502953" in " ".join(table.notes)


def test_intervals_are_those_of_another_library(made):
    frame = made["reproduction"].frame
    for row in frame.itertuples():
        low, high = proportion_confint(row.count, row.total, method="wilson")
        assert (row.low, row.high) == (round(100 * low, 1), round(100 * high, 1))


def test_reproduction_agrees_with_the_report(real, made):
    expected = report.compute_reproduction(real)
    pd.testing.assert_frame_equal(made["reproduction"].frame, expected, check_dtype=False)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_title_has_no_number_and_every_table_says_how_far_it_is_a_finding(real, version):
    for table in tables.every(real, selection=version, version=version, resamples=5):
        assert not re.search(r"\b[Tt]able \d", table.title)
        assert re.search("by construction|purposive sample", table.notes[0])
        assert table.notes[-1] == f"Corpus {real.hash[:12]}."
        assert round(sum(column.share for column in table.columns), 9) == 1


def test_characteristics_count_every_study_once_in_exclusive_dimensions(real, made):
    frame = made["characteristics"].frame
    for name, dimension in real.codebook.dimensions.items():
        part = frame[frame["dimension"] == name]
        assert list(part["category"]) == list(dimension.categories)
        if dimension.exclusive:
            assert part["count"].sum() + part["unknown"].iloc[0] == 59
    years = frame[frame["dimension"] == "year"]
    assert dict(zip(years["category"].astype(int), years["count"], strict=True)) == Counter(real.studies("v2")["year"])


def test_characteristics_lie_in_their_range_and_have_a_status(made):
    frame = made["characteristics"].frame
    assert ((frame["range_low"] <= frame["count"]) & (frame["count"] <= frame["range_high"])).all()
    fixed = frame[frame["status"] == statistics.BY_CONSTRUCTION]
    assert len(fixed) == 9
    assert (fixed["range_low"] == fixed["range_high"]).all()
    assert set(frame["status"]) == {statistics.BY_CONSTRUCTION, statistics.NOT_PUBLISHED}


def test_codes_that_no_study_has_are_in_the_csv_only(made):
    table = made["characteristics"]
    shown = sum(len(group.rows) for group in table.groups)
    assert shown == (table.frame["count"] > 0).sum() < len(table.frame)


def test_dimensions_can_be_chosen(real):
    table = tables.characteristics(real, dimensions=["language", "year"])
    assert [group.title for group in table.groups] == ["Language", "Year"]
    with pytest.raises(UnknownNameError, match="no dimension named 'colour'"):
        tables.characteristics(real, dimensions=["colour"])


def test_studies_are_told_apart_and_lead_to_their_source(real, made):
    table = made["studies"]
    names = [row[0] for row in cells(table)]
    assert len(names) == len(set(names)) == 59
    assert {"Barr et al. 2025a", "Barr et al. 2025b"} <= set(names)
    links = {part.address for group in table.groups for row in group.rows for part in parts(row[1]) if isinstance(part, Link)}
    assert links == set(report.compute_studies(real)["link"])
    assert set(table.frame["basis"]) == {"calibrated"}
    assert set(table.frame["key"]) == set(real.selections["v2"])


def test_what_is_unknown_is_never_a_no(real):
    table = tables.studies(real, "all", dimensions=["method", "seed_data"])
    unknown = table.frame["seed_data"].isna().sum()
    assert unknown > 0
    assert sum(row[3] == "unknown" for row in cells(table)) == unknown
    assert not any(cell in ("", "no") for row in cells(table) for cell in row)


def test_versions_show_what_moved_net(made):
    found = rows(made["versions"])
    assert found["Prompting"] == ["72.9", "74.6", "+1.7", "43", "44", "+1"]
    assert found["Fine-tuning"] == ["22.0", "20.3", "\u22121.7", "13", "12", "\u22121"]
    assert found["Human in the loop"] == ["55.9", "44.1", "\u221211.8", "33", "26", "\u22127"]
    assert "by construction" in made["versions"].notes[0]


def test_versions_without_a_value_are_not_available(real):
    found = rows(tables.versions(real, "v2", "news"))
    assert found["Fine-tuning"] == ["20.3", "NA", "NA", "12", "NA", "NA"]


def test_agreement_is_the_computed_one_with_models_named(real, made):
    table = made["agreement"]
    assert table.title == "Agreement of coders a and b"
    kept = table.frame[table.frame["label"] == "human"].iloc[0]
    text = rows(table)["Human in the loop"]
    assert text[0] == str(kept["units"])
    assert text[1].startswith(f"{100 * kept['percent']:.1f} (")
    assert text[2] == f"{kept['kappa']:.2f} ({kept['kappa_low']:.2f}\u2013{kept['kappa_high']:.2f})"
    assert "were language models" in " ".join(table.notes)
    assert "50 resamples, seed 0" in " ".join(table.notes)


def test_a_proposal_of_a_model_is_no_coder_to_compare_with(real):
    assert comparison_tables._pair(real, ()) == ("a", "b")
    assert comparison_tables._pair(real, ("", "verifier")) == ("a", "verifier")
    assert comparison_tables._pair(real, ("b", "")) == ("b", "a")

    coding = real._tables["coding.csv"]
    proposed = coding.assign(coder=coding["coder"].replace({"b": "llm", "verifier": "consensus"}))
    alone = replace(real, _tables={**real._tables, "coding.csv": proposed})
    assert set(alone.coding["coder"]) == {"consensus", "llm", "a"}
    assert comparison_tables._pair(alone, ()) == ("", "")


def test_coefficients_that_are_undefined_are_not_available(small):
    table = tables.agreement(small, resamples=5)
    assert rows(table)["All codes"][:2] == ["1", "0.0 (NA)"]
    assert comparison_tables._coefficient({"kappa": None}, "kappa", 2, 1) == "NA"


def test_a_filter_is_told_and_leaves_no_range_and_no_agreement_by_construction(real):
    table = tables.reproduction(real, where="year >= 2024")
    assert "filter: year >= 2024." in " ".join(table.notes)
    assert "Range, n" not in [column.label for column in table.columns]
    assert {row[-1] for row in cells(table)} == {"not published"}


def test_a_purposive_sample_says_that_it_estimates_nothing(real):
    table = tables.characteristics(real, "pool", dimensions=["modality"])
    assert "estimate nothing" in table.notes[0]
    assert {row[-1] for row in cells(table)} == {"purposive sample"}
    assert "purposive sample" in table.title


def test_listed_studies_are_independent_and_nothing_is_by_construction():
    listed = corpus.load(SECOND)
    made = tables.every(listed, resamples=5)
    assert not any("by construction" in note for table in made for note in table.notes)
    assert {row[-1] for row in cells(made[0])} <= {"independent", "not coded", "not attainable"}
    assert "Range, n" not in [column.label for column in made[0].columns]
    assert len(made[2].columns) == 2 + tables.MOST
    assert set(listed.published["dimension"]) < set(made[2].frame.columns)
    assert made[3].groups == ()


def test_a_range_that_cannot_be_solved_is_said_to_be_missing(small):
    table = tables.reproduction(small)
    assert {row[4] for row in cells(table)} == {"NA"}
    assert any(
        note.startswith("Range: none, since no reconstruction exists: there are only 3 candidates") for note in table.notes
    )


def test_a_corpus_without_published_values_has_tables_that_say_so(damage):
    for name in ("published.csv", "selection.csv"):
        damage(name)
    bare = corpus.load(damage("codebook.yaml", "  selection: first\n  version: first\n"))
    made = {table.name: table for table in tables.every(bare, resamples=5)}
    assert made["reproduction"].groups == made["versions"].groups == ()
    assert "This corpus has no published shares." in fragment(made["reproduction"])
    assert "This corpus has no published shares." in to_latex(made["reproduction"])
    document = docx.Document(io.BytesIO(to_word(made["versions"])))
    assert document.tables[0].rows[1].cells[0].text == "This corpus has the shares of one version at most."
    assert [column.label for column in made["studies"].columns][2:] == ["Design", "Outcome", "Setting"]


# --- pieces


def test_counts_and_decimal_points_stand_in_line():
    column = counted_column([(46, 59), (5, 59), (59, 59), (0, 0)])
    assert [text.replace("\u2007", "") for text in column] == ["46 (78.0)", "5 (8.5)", "59 (100.0)", "0 (NA)"]
    assert len({len(text) for text in column}) == 1
    assert len({text.index(".") for text in column[:3]}) == 1
    assert counted_column([]) == []


def test_ranges_and_intervals_have_en_dashes_and_true_minus_signs():
    assert span(3, 3) == "3"
    assert span(0, 12) == "0\u201312"
    assert span(None, 3) == interval(None, 1.0) == "NA"
    assert interval(0.5, 0.75, 2) == "0.50\u20130.75"
    assert interval(-0.5, 0.5) == "\u22120.5 to 0.5"


def test_text_from_data_is_one_line_without_control_signs():
    assert clean(" a\n\tb\u00a0c\x0b d\x1b[1m ") == "a b c d\\x1b[1m"


def test_letters_go_on_after_z():
    assert [tables._letters(place) for place in (0, 25, 26, 27, 52)] == ["a", "z", "aa", "ab", "ba"]
    assert tables._distinct(["A 2020", "B 2021", "A 2020"]) == ["A 2020a", "B 2021", "A 2020b"]


def test_identifiers_are_named_by_their_kind():
    assert tables._identifier("https://doi.org/10.1/x") == "doi:10.1/x"
    assert tables._identifier("https://arxiv.org/abs/2406.1") == "arXiv:2406.1"
    assert tables._identifier("https://pubmed.ncbi.nlm.nih.gov/1") == "pubmed.ncbi.nlm.nih.gov/1"


# --- HTML


def parsed(table):
    return lxml.html.document_fromstring(page(table))


@pytest.mark.parametrize("name", ["reproduction", "characteristics", "studies", "agreement", "versions"])
def test_html_is_whole_and_can_be_read_by_a_screen_reader(made, name):
    table = made[name]
    root = parsed(table)
    assert root.get("lang") == "en"
    assert root.findtext(".//title") == table.title
    (drawn,) = root.findall(".//table")
    assert drawn[0].tag == "caption"
    assert drawn[0].text_content() == table.title
    assert not root.findall(".//script")
    assert not re.search(r'(src|href)="(?!https?://|#)', page(table))
    identifiers = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identifiers) == len(set(identifiers))
    assert all(header.get("scope") for header in drawn.iter("th"))
    for cell in drawn.iter("td"):
        assert set((cell.get("headers") or "").split()) <= set(identifiers)
    (region,) = [element for element in root.iter("div") if element.get("role") == "region"]
    assert (region.get("tabindex"), region.get("aria-labelledby")) == ("0", drawn[0].get("id"))


@pytest.mark.parametrize("name", ["reproduction", "characteristics", "studies", "agreement", "versions"])
def test_html_shows_every_cell_and_every_note(made, name):
    table = made[name].shown()
    root = parsed(table)
    body = [row for row in root.findall(".//tbody/tr") if "gt_group_heading_row" not in (row.get("class") or "")]
    assert [[cell.text_content() for cell in row] for row in body] == cells(table)
    assert [note.text_content() for note in root.findall(".//tfoot//td")] == list(table.notes)
    assert [row.text_content().strip() for row in root.findall(".//tr[@class='gt_group_heading_row']")] == [
        group.title for group in table.groups if group.title
    ]


def test_html_takes_no_text_for_markup(hostile):
    root = parsed(hostile)
    assert not root.findall(".//script")
    first, second = [row for row in root.findall(".//tbody/tr") if row.find("td") is not None]
    assert first[0].text_content() == EVIL
    assert first[3].text_content() == f"before {EVIL} doi:10.1/a_b"
    assert first[3].find("a").get("href") == "https://doi.org/10.1/a_b%7Ec#d&e"
    assert second[3].text_content() == "5\u201310 \u4e2d"
    assert root.find(".//caption").text == f"Title {EVIL}"


def test_a_notebook_shows_the_table_with_its_caption(made):
    shown = made["versions"]._repr_html_()
    assert f">{made['versions'].title}</caption>" in shown
    assert "<html" not in shown


# --- LaTeX


def structure(text):
    """Check what TeX would complain about: environments, braces, columns of each row."""
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
    bare = re.sub(r"\\[{}\\&%#$_]", "", body)
    assert bare.count("{") == bare.count("}")
    assert not re.search(r"[#$^%]", bare)
    return {row.count("&") for row in bare.splitlines() if "&" in row and "multicolumn" not in row}


@pytest.mark.parametrize("name", ["reproduction", "characteristics", "studies", "agreement", "versions"])
def test_latex_is_balanced_ascii_and_without_vertical_rules(made, name):
    table = made[name]
    text = to_latex(table)
    assert text.isascii()
    assert structure(text) == {len(table.columns) - 1}
    spec = re.search(r"\\begin\{(?:tabular|longtable)\}\{(.*)\}", text)[1]
    assert "|" not in spec
    assert text.count("\\toprule") == (2 if table.long else 1)
    assert f"\\label{{tab:{name}}}" in text
    assert ("\\begin{longtable}" in text) == table.long
    assert ("landscape" in text) == table.wide


def test_latex_escapes_what_means_something(hostile):
    text = to_latex(hostile)
    structure(text)
    assert r"50 \% of \$x\_1 \#2 \{" in text
    assert r"\href{https://doi.org/10.1/a\_b\%7Ec\#d\&e}{doi:10.1/a\_b}" in text
    assert "\n{}[starts like an option] & * & " in text
    assert r"\multicolumn{2}{c}{Span\_1}" in text
    assert r"\cmidrule(lr){2-3}" in text
    assert "% compile with XeLaTeX or LuaLaTeX and a font that has: \u4e2d" in text


def test_signs_that_tex_would_join_are_kept_apart():
    assert escape("a--b ---,, `q`") == r"a-{}-b -{}-{}-,{}, \textasciigrave{}q\textasciigrave{}"
    assert escape("1\u20072 n\u00a0(%) a\u2011b") == r"1\phantom{0}2 n~(\%) a-b"


def test_long_addresses_may_be_broken():
    table = PaperTable(
        "t", "T", (Column("A", 1.0),), (Group("", (("data/build/evidence/pool.json",), ("a.b",))),), (), pd.DataFrame()
    )
    text = to_latex(table)
    assert r"data/\allowbreak{}build/\allowbreak{}evidence/\allowbreak{}pool.\allowbreak{}json" in text
    assert "\na.b \\\\" in text


@pytest.mark.parametrize("letter", [chr(code) for code in range(0xA1, 0x250) if chr(code).isalpha()])
def test_no_letter_becomes_another(letter):
    """pylatexenc has names for a few that are those of others: names of people must stay what they are."""
    assert unicodedata.normalize("NFC", LatexNodes2Text().latex_to_text(escape(letter))) == letter


def test_fractions_are_written_with_commands_that_latex_has():
    found = {escape(chr(code)) for code in range(0x2150, 0x215F)}
    assert r"\textsuperscript{1}/\textsubscript{3}" in found
    assert not [text for text in found if "textfrac" in text]


@given(
    st.text(
        alphabet="abcXYZ 0159&%$#_{}~^\\.,;:()[]*+=/@|\u00e9\u00fc\u015f\u00e7\u0131\u011f\u00df\u0160\u03a8\u2013\u2014",
        max_size=40,
    )
)
def test_escaped_text_reads_as_it_was(text):
    assert " ".join(LatexNodes2Text().latex_to_text(escape(text)).replace("\u02c6", "^").split()) == " ".join(text.split())


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX on this machine")
def test_latex_compiles_without_a_line_that_is_too_long(made, hostile, tmp_path):
    plainer = replace(hostile, groups=(hostile.groups[0],))
    lines = [r"\documentclass[a4paper]{article}", r"\usepackage[T1]{fontenc}", r"\usepackage[margin=20mm]{geometry}"]
    lines += [r"\usepackage{booktabs,array,longtable,pdflscape}", r"\usepackage[hidelinks]{hyperref}", r"\begin{document}"]
    for table in [*made.values(), plainer, replace(plainer, long=True, name="again")]:
        (tmp_path / f"{table.name}.tex").write_text(to_latex(table), "utf-8")
        inside = rf"\input{{{table.name}}}\clearpage"
        lines.append(rf"\begin{{landscape}}{inside}\end{{landscape}}" if table.wide else inside)
    (tmp_path / "all.tex").write_text("\n".join([*lines, r"\end{document}"]), "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    for _ in range(2):  # longtable settles its widths in the second run
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False, timeout=300)
        assert run.returncode == 0, run.stdout[-3000:]
    assert "Overfull" not in run.stdout


# --- Word


@pytest.mark.parametrize("name", ["reproduction", "characteristics", "studies", "agreement", "versions"])
def test_word_has_a_real_table_with_caption_repeated_head_and_notes(made, name):
    table = made[name].shown()
    document = docx.Document(io.BytesIO(to_word(table)))
    first, *notes = document.paragraphs
    assert (first.text, first.style.name) == (table.title, "Caption")
    assert [(note.text, note.style.name) for note in notes] == [(text, "Table Note") for text in table.notes]
    (grid,) = document.tables
    head = 2 if table.spans else 1
    repeated = [bool(row._tr.xpath("./w:trPr/w:tblHeader")) for row in grid.rows]
    assert repeated == [True] * head + [False] * (len(repeated) - head)
    assert all(row._tr.xpath("./w:trPr/w:cantSplit") for row in grid.rows)
    assert [cell.text for cell in grid.rows[head - 1].cells] == [column.label for column in table.columns]
    body = [list(dict.fromkeys(cell._tc for cell in row.cells)) for row in grid.rows[head:]]
    written = ["".join(cell.xpath(".//w:t/text()")) for row in body for cell in row]
    expected = []
    for group in table.groups:
        expected += [group.title] if group.title else []
        expected += [plain(cell) for row in group.rows for cell in row]
    assert written == expected
    section = document.sections[0]
    assert (section.page_width > section.page_height) == table.wide
    assert grid._tbl.xpath("./w:tblPr/w:tblCaption/@w:val") == [table.title]
    assert not grid._tbl.xpath(".//w:left[@w:val='single'] | .//w:right[@w:val='single'] | .//w:insideV")


def test_word_keeps_texts_links_and_spans(hostile):
    document = docx.Document(io.BytesIO(to_word(hostile)))
    grid = document.tables[0]
    assert grid.rows[0].cells[1]._tc is grid.rows[0].cells[2]._tc
    assert grid.rows[0].cells[1].text == "Span_1"
    assert grid.rows[3].cells[0].text == EVIL
    (link,) = grid._tbl.xpath(".//w:hyperlink")
    target = document.part.rels[link.get(docx.oxml.ns.qn("r:id"))]
    assert (target.is_external, target.target_ref) == (True, "https://doi.org/10.1/a_b%7Ec#d&e")


def test_word_holds_no_time_and_no_name(made):
    data = to_word(made["versions"])
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert {member.date_time for member in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    facts = docx.Document(io.BytesIO(data)).core_properties
    assert (facts.author, facts.last_modified_by, facts.comments, facts.title) == ("", "", "", made["versions"].title)
    assert facts.created == facts.modified
    assert facts.created.year == 1980


# --- files and command


def test_csv_has_the_plain_values(made, tmp_path):
    table = made["characteristics"]
    write(table, tmp_path, "c", ["html"])
    read = pd.read_csv(tmp_path / "c.csv", dtype={"category": str})
    pd.testing.assert_frame_equal(read, table.frame, check_dtype=False)
    assert to_csv(replace(table, frame=pd.DataFrame({"a": [None]}))) == 'a\n""\n'


def test_only_the_formats_asked_for_are_written_and_an_unknown_one_writes_nothing(made, tmp_path):
    assert [path.name for path in write(made["versions"], tmp_path / "a", formats=[" word", "word"])] == [
        "versions.docx",
        "versions.csv",
    ]
    for formats in (["html", "pdf"], [], [" "]):
        with pytest.raises(ReviewError, match=r"no format (pdf|given) -> choose of: html, latex, word"):
            write(made["versions"], tmp_path / "b", formats=formats)
    assert not (tmp_path / "b").exists()


def test_keep_writes_to_tables_and_gives_the_table_back(made, tmp_path):
    assert tables.keep(made["versions"], "12-versions", tmp_path) is made["versions"]
    assert sorted(path.suffix for path in (tmp_path / "tables").iterdir()) == [".csv", ".docx", ".html", ".tex"]


def test_the_command_writes_the_same_bytes_in_another_process(tmp_path, capsys, monkeypatch):
    arguments = ["tables", "--corpus", str(paths.ROOT / "tests/examples/valid/tiny"), "--resamples", "20", "--seed", "3"]
    assert cli.main([*arguments, "--out", str(tmp_path / "a")]) == 0
    said = capsys.readouterr()
    assert [line.rpartition("/")[2] for line in said.out.splitlines()][:5] == [
        *(f"reproduction.{suffix}" for suffix in ("html", "tex", "docx", "csv")),
        "characteristics.html",
    ]
    assert "by construction" in said.err
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    command = [sys.executable, "-m", "review.cli", *arguments, "--out", str(tmp_path / "b")]
    subprocess.run(command, check=True, cwd=paths.ROOT, env=environment, capture_output=True)
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "ab")
    assert first == second
    assert len(first) == 20


def test_the_command_refuses_what_it_cannot_do(tmp_path, capsys):
    out = ["--out", str(tmp_path / "x")]
    for wrong, message in (
        (["--format", "pdf"], "no format pdf"),
        (["--resamples", "0"], "resamples"),
        (["--seed", "-1"], "seed"),
        (["--selection", "v9"], "no selection named 'v9'"),
        (["--review-version", "v9"], "no version named 'v9'"),
        (["--where", "year >"], "->"),
    ):
        assert cli.main(["tables", *out, *wrong]) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_module_of_the_command_is_light():
    heavy = ("numpy", "pandas", "docx", "great_tables", "pylatexenc")
    code = f"import sys, review.publication_tables, review.checklist; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=paths.ROOT)
    assert run.stdout.strip() == "[]"


def test_verdicts_other_than_attainable_are_named(real):
    odd = real.implied[(real.implied["version"] == "v2") & (real.implied["verdict"] != published.ATTAINABLE)]
    assert list(odd["category"]) == ["multimodal"]


@pytest.mark.browser
@pytest.mark.slow
def test_pages_have_no_barrier_that_axe_finds(made, hostile, tmp_path):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    path = find_browser()
    if path is None and not os.environ.get("CI"):
        pytest.skip("no Chromium on this machine")
    assert path is not None, "CI must have Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=["--no-sandbox"])
        try:
            for table in [*made.values(), hostile]:
                file = tmp_path / f"{table.name}.html"
                # the policy of the page forbids scripts: axe is one
                file.write_text(re.sub(r"<meta http-equiv=.*>\n", "", page(table)), "utf-8")
                view = browser.new_page(viewport={"width": 1200, "height": 800})
                view.goto(file.as_uri())
                if len(cells(table)) < 30:  # of the long tables the structure is the same
                    levels = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]}
                    found = Axe().run(view, options=levels).response["violations"]
                    assert not found, [(item["id"], [node["html"] for node in item["nodes"]][:2]) for item in found]
                for width in (1200, 400):
                    view.set_viewport_size({"width": width, "height": 800})
                    assert view.evaluate("document.documentElement.scrollWidth") <= width
                view.close()
        finally:
            browser.close()
