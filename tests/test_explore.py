"""The explorer without its page: filters as expressions, views that are the statistics, tables that run nothing."""

import json
import os
import shlex
import subprocess
import sys
import time
from base64 import b64decode
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from conftest import TINY
from hypothesis import given, settings
from hypothesis import strategies as st

from review import cli, corpus, paths, report, statistics
from review.errors import FilterError, MissingExtraError, OptionError, ReviewError, UnknownNameError
from review.explore import Filters, Labels, count_boxes, show, start_tables, table, view, widget
from review.explore.desk import Desk
from review.explore.filters import from_page, to_page
from review.explore.tables import is_web
from review.explore.views import PARTS

SMALL, REAL = corpus.load(TINY), corpus.load()
EVIL = "</script><script>harm()</script><img src=x onerror=harm()> & \"'"


def keys(frame):
    return [key[:5] for key in frame["key"]]


BY_HAND = [
    (Filters("all"), "", "adams brown chen2 diaz2 evans fox20"),
    (Filters("all", first=2020), "year >= 2020", "chen2 diaz2 evans"),
    (Filters("all", first=2019, last=2020), "year >= 2019 and year <= 2020", "brown chen2 diaz2"),
    (Filters("all", undated=True), "", "adams brown chen2 diaz2 evans fox20"),
    (Filters("all", labels={"design": Labels(("cohort",))}), 'design == "cohort"', "adams diaz2 evans"),
    (Filters("all", labels={"design": Labels(("trial", "survey"))}), 'design in ["trial", "survey"]', "brown chen2"),
    (
        Filters("all", labels={"outcome": Labels(("pain", "mood-score"))}),
        "(outcome_pain or outcome_mood_score)",
        "adams brown chen2 diaz2",
    ),
    (Filters("all", labels={"outcome": Labels(("pain", "sleep"), every=True)}), "outcome_pain and outcome_sleep", "adams"),
    (Filters("all", labels={"setting": Labels(("at home",), every=True)}), "setting_at_home", "brown diaz2"),
    (
        Filters("first", last=2019, labels={"setting": Labels(("hospital",))}, text='design == "trial" or year == 2018'),
        'year <= 2019 and setting_hospital and (design == "trial" or year == 2018)',
        "adams brown",
    ),
    (Filters("all", text=" not outcome_sleep "), "not outcome_sleep", "brown"),
]  # fmt: skip


@pytest.mark.parametrize(("filters", "where", "left"), BY_HAND)
def test_filters_become_an_expression(filters, where, left):
    assert filters.where(SMALL) == where
    seen = view(SMALL, filters)
    assert keys(SMALL.studies(filters.selection, where)) == keys(seen.studies) == left.split()
    assert seen.total == len(left.split())
    assert seen.chosen == len(SMALL.selections[filters.selection])


def test_a_comment_or_a_break_in_a_filter_does_not_swallow_what_follows():
    """Brackets are put around what was typed: it has to be a whole of its own."""
    commented = Filters("all", first=2019, text="outcome_pain # not (\r\n")
    assert commented.where(SMALL) == "year >= 2019 and (outcome_pain)"
    broken = Filters("all", first=2019, text="(outcome_pain or\noutcome_sleep)")
    assert keys(view(SMALL, broken).studies) == ["brown", "diaz2"]
    hash_in_text = Filters("all", first=2019, text='venue != "a # b" or (year == 2019)')
    assert keys(view(SMALL, hash_in_text).studies) == ["brown", "diaz2", "evans"]
    with pytest.raises(FilterError, match="cannot read"):
        Filters("all", first=2030, text="year > 0) or (year > 1").where(SMALL)


@pytest.mark.parametrize(
    ("filters", "error", "words"),
    [
        (Filters("all", labels={"desing": Labels(("cohort",))}), UnknownNameError, "no dimension named 'desing'"),
        (Filters("all", labels={"design": Labels(("cohrt",))}), UnknownNameError, "no code of 'design' named 'cohrt'"),
        (Filters("all", labels={"design": Labels(("cohort", "trial"), every=True)}), OptionError, "one code of 'design'"),
        (Filters("some"), UnknownNameError, "no selection named 'some'"),
        (Filters("all", text="yaer > 3"), FilterError, "no column named 'yaer'"),
        (Filters("all", text="__import__('os')"), FilterError, "not allowed"),
    ],
)
def test_what_is_not_in_the_corpus_is_refused(filters, error, words):
    with pytest.raises(error, match=words):
        view(SMALL, filters)


def asked_of(loaded, *, unknown):
    """Draw filters of a corpus."""

    def labels(dimension):
        codes = st.lists(st.sampled_from(list(dimension.categories)), max_size=3, unique=True).map(tuple)
        return st.builds(Labels, codes, st.booleans() if not dimension.exclusive else st.just(False), unknown)

    some = st.fixed_dictionaries({}, optional={name: labels(one) for name, one in loaded.codebook.dimensions.items()})
    few = some.map(lambda found: dict(list(found.items())[:3]))
    years = st.none() | st.integers(2015, 2026)
    text = st.sampled_from(["", 'kind == "article"', 'venue == "Work" or year == 2020', 'not kind == "article" # or all'])
    return st.builds(Filters, st.sampled_from(list(loaded.selections)), years, years, unknown, few, text)


@cache
def codes_of(loaded):
    """Return the codes that count, by study and dimension."""
    coding = loaded.coding
    codes = {}
    for key, dimension, coder, value in zip(*(coding[name] for name in ("key", "dimension", "coder", "value")), strict=True):
        if coder == "consensus" and value in loaded.codebook[dimension].categories:
            codes.setdefault((key, dimension), set()).add(value)
    return codes


def directly(loaded, filters):
    """Return the keys that filters leave, from the rows of coding.csv and without any expression."""
    codes = codes_of(loaded)

    def passes(row):
        if filters.first is not None or filters.last is not None:
            year = row["year"]
            if pd.isna(year):
                if not filters.undated:
                    return False
            elif not (filters.first or 0) <= year <= (filters.last or 9999):
                return False
        for name, asked in filters.labels.items():
            found = codes.get((row["key"], name), set())
            wanted = set(asked.codes)
            good = bool(wanted) and (wanted <= found if asked.every else bool(wanted & found))
            if not (good or (asked.unknown and not found) or (not wanted and not asked.unknown)):
                return False
        texts = {
            "": True,
            'kind == "article"': row["kind"] == "article",
            'venue == "Work" or year == 2020': row["venue"] == "Work" or (not pd.isna(row["year"]) and row["year"] == 2020),
            'not kind == "article" # or all': row["kind"] != "article",
        }
        return texts[filters.text]

    frame = loaded.studies(filters.selection)[["key", "year", "kind", "venue"]]
    return [row["key"] for row in frame.to_dict("records") if passes(row)]


@pytest.mark.parametrize("loaded", [SMALL, pytest.param(REAL, marks=pytest.mark.slow)], ids=["tiny", "real"])
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_the_expression_leaves_what_was_asked_for(loaded, data):
    filters = data.draw(asked_of(loaded, unknown=st.just(False)))
    check_filters(loaded, filters, data.draw(st.sampled_from(list(loaded.codebook.dimensions))))


def check_filters(loaded, filters, dimension):
    """The expression leaves the studies of the direct way, the shares are those of the statistics, and the page gets the same."""
    where = filters.where(loaded)
    left = directly(loaded, filters)
    assert list(loaded.studies(filters.selection, where)["key"]) == left
    seen = view(loaded, filters, dimension)
    assert list(seen.studies["key"]) == left
    pd.testing.assert_frame_equal(seen.shares, statistics.compute_shares(loaded, dimension, filters.selection, where))
    assert from_page(json.loads(json.dumps(to_page(filters, dimension)))) == (filters, dimension)
    boxes = count_boxes(loaded, filters)[dimension]
    alone = directly(loaded, filters.without(dimension))
    for code in list(loaded.codebook[dimension].categories)[:3]:
        more = Filters(filters.selection, labels={dimension: Labels((code,))})
        assert boxes[code] == len(set(alone) & set(directly(loaded, more)))
    no_code = Filters(filters.selection, labels={dimension: Labels(unknown=True)})
    assert boxes[""] == len(set(alone) & set(directly(loaded, no_code)))


def test_a_whole_reconstruction_is_by_construction_and_a_part_of_it_is_not():
    whole = view(REAL, Filters("v2"), "modality")
    assert list(whole.shares["count"]) == [46, 8, 5]
    assert set(whole.shares["status"]) == {statistics.BY_CONSTRUCTION}
    assert whole.caution == report.caution(REAL, "v2")
    assert whole.headline == "59 of 59 studies of selection v2"
    part = view(REAL, Filters("v2", labels={"modality": Labels(("text",))}), "modality")
    assert list(part.shares["count"]) == [46, 0, 0]
    assert set(part.shares["status"]) == {statistics.NOT_PUBLISHED}
    assert part.caution == PARTS["calibrated"]
    assert "No share here is by construction" in part.caution
    assert view(REAL, Filters("pool", first=2024)).caution == PARTS["sample"]
    assert view(SMALL, Filters("authors", first=2019)).caution == PARTS["listed"]
    assert view(SMALL, Filters("authors")).caution == report.caution(SMALL, "authors")


def test_shares_of_a_view_by_hand():
    """Three of the six are cohorts; two of these have pain, one of them is unknown."""
    seen = view(SMALL, Filters("all", labels={"design": Labels(("cohort",))}), "outcome", "draft")
    rows = seen.shares.set_index("category")
    assert rows[["count", "total", "unknown"]].loc["pain"].tolist() == [2, 3, 1]
    assert rows[["count", "total", "unknown"]].loc["sleep"].tolist() == [1, 3, 2]
    assert rows["low"]["pain"] == pytest.approx(0.2077, abs=1e-4)  # Wilson, 2 of 3
    assert rows["high"]["pain"] == pytest.approx(0.9385, abs=1e-4)
    assert seen.version == "draft"
    nothing = view(SMALL, Filters("all", first=2030), "design")
    assert nothing.total == 0
    assert nothing.headline == "0 of 6 studies of selection all"
    assert nothing.studies.empty
    assert view(SMALL, Filters()).dimension == "design"


def test_the_studies_of_a_view_show_what_a_code_rests_on():
    row = view(SMALL, Filters("all"), "design").studies.set_index("key").loc["adams2018pain"]
    assert row["consensus"] == "verifier"
    assert row["evidence"] == "a: followed for a year\nb: followed, it seems\nverifier: a register was followed"
    assert row["source"] == "https://example.org/adams"
    assert row["link"] == "https://doi.org/10.1000/pain_2018"
    fox = view(SMALL, Filters("all"), "outcome").studies.set_index("key").loc["fox2022clinic"]
    assert (fox["consensus"], fox["evidence"], fox["source"]) == ("", "", "")
    assert pd.isna(fox["outcome"])


def test_the_desk_answers_what_the_page_asks():
    desk = Desk(SMALL, Filters("authors", text="year >= 2019"), "outcome", "default")
    asked = desk.asked()
    assert (asked["selection"], asked["dimension"], asked["text"]) == ("authors", "outcome", "year >= 2019")
    answer = desk.answer({**asked, "number": 7, "client": "me"})
    assert (answer["number"], answer["client"], answer["error"]) == (7, "me", "")
    assert answer["headline"] == "1 of 2 studies of selection authors"
    assert [(row["category"], row["count"], row["total"]) for row in answer["shares"]] == [
        ("pain", 1, 1),
        ("sleep", 0, 1),
        ("mood-score", 0, 1),
    ]
    assert [row["key"] for row in answer["rows"]] == ["brown2019sleep"]
    assert answer["boxes"]["design"] == {"cohort": 0, "trial": 1, "survey": 0, "": 0}
    json.dumps([desk.about(), asked, answer], allow_nan=False)
    everything = Desk(REAL, Filters("all"), "method", "default")
    rows = everything.answer(everything.asked())["rows"]
    listed = view(REAL, Filters("all"), "method").studies
    assert [row["key"] for row in rows] == list(listed["key"])
    assert [row["codes"] for row in rows] == [None if pd.isna(code) else code for code in listed["method"]]
    assert [row["evidence"] for row in rows] == list(listed["evidence"])
    empty = desk.answer({**asked, "text": "year > 2030"})
    assert {row["share"] for row in empty["shares"]} == {None}
    json.dumps(empty, allow_nan=False)


def test_the_page_is_told_what_a_corpus_has():
    about = Desk(REAL, Filters(), "", "default").about()
    assert [(one["name"], one["studies"], one["basis"]) for one in about["selections"]] == [
        ("all", 189, "a sample"),
        ("pool", 155, "a sample"),
        ("v1", 59, "calibrated"),
        ("v2", 59, "calibrated"),
    ]
    assert about["years"] == [2020, 2021, 2022, 2023, 2024, 2025]
    assert about["undated"] == 2
    assert "language models" in about["coders"]
    assert set(about["statuses"]) == set(statistics.STATUSES)
    assert len(about["studies"]) == 189
    assert all(not study["link"] or study["link"].startswith("https://") for study in about["studies"].values())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"text": "yaer > 3"}, "no column named 'yaer' -> did you mean year?"),
        ({"text": "zzz > 3"}, "no column named 'zzz' -> choose one of the names below"),
        ({"text": "year >"}, "cannot read the filter"),
        ({"selection": "v9"}, "no selection named 'v9'"),
        ({"dimension": "shape"}, "no dimension named 'shape'"),
        ({"labels": 3}, "the page sent no filters"),
        ({"labels": {"design": {"codes": ["cohort"]}}}, "the page sent no filters"),
        ({"first": "soon"}, "the page sent no filters"),
        ({"text": f"venue == '{'x' * 2100}'"}, "has 2111 characters"),
        ({"text": f"venue == {'(' * 3}{'x' * 500}"}, "\u2026"),
    ],
)
def test_what_cannot_be_answered_is_said_in_few_words(change, words):
    desk = Desk(SMALL, Filters(), "", "default")
    answer = desk.answer({**desk.asked(), **change})
    assert words in answer["error"]
    assert len(answer["error"]) <= 302
    assert "rows" not in answer


def test_the_command_repeats_a_view(tmp_path):
    """Whatever quotes are in it, a shell gives papermill the very filter."""
    filters = Filters("pool", labels={"modality": Labels(("text",))}, text='venue != "It\'s $HOME `x`"')
    desk = Desk(REAL, filters, "method", "default")
    seen = view(REAL, filters, "method")
    words = shlex.split(desk.command(seen))
    assert words[:3] == [".venv/bin/papermill", "notebooks/13-explore.ipynb", "runs/13-explore.ipynb"]
    given = {name: value for flag, name, value in zip(words[3::3], words[4::3], words[5::3], strict=True) if flag == "-p"}
    assert given == {"selection": "pool", "where": seen.where, "dimension": "method"}
    other = Desk(SMALL, Filters("all"), "", "draft")
    words = shlex.split(other.command(view(SMALL, Filters("all"), "", "draft")))
    assert words[-6:] == ["-p", "review_version", "draft", "-p", "corpus_dir", str(TINY)]
    assert "where" not in words


def test_an_answer_takes_less_than_300_ms():
    desk = Desk(REAL, Filters(), "", "default")
    desk.about()
    asked = {**desk.asked(), "selection": "all", "dimension": "technique", "text": "year >= 2021"}
    asked["labels"] = {"modality": {"codes": ["text", "tabular"], "every": False, "unknown": False}}
    desk.answer(asked)
    took = []
    for _ in range(8):  # the quickest counts, in time of the processor: other processes may be at work
        start = time.process_time()
        desk.answer(asked)
        took.append(time.process_time() - start)
    assert min(took) < 0.3


def test_the_widget_answers_a_change():
    shown = show(SMALL, Filters("all"), "design")
    assert shown.answer["headline"] == "6 of 6 studies of selection all"
    shown.asked = {**shown.asked, "first": 2020, "number": 1, "client": "me"}
    assert shown.answer["headline"] == "3 of 6 studies of selection all"
    assert shown.answer["number"] == 1
    data, _ = shown._repr_mimebundle_()
    assert data["text/plain"] == "Explorer, 3 of 6 studies of selection all: open it in JupyterLab"
    assert "<script" not in data["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in data
    shown.asked = {**shown.asked, "text": "yaer", "number": 2}
    assert repr(shown).startswith("Explorer, no column named 'yaer'")
    shown.close()


def test_the_widget_refuses_names_and_says_what_is_missing(monkeypatch):
    with pytest.raises(UnknownNameError):
        show(SMALL, dimension="shape")
    with pytest.raises(UnknownNameError):
        show(SMALL, version="v9")
    monkeypatch.setitem(sys.modules, "anywidget", None)
    widget._kind.cache_clear()
    with pytest.raises(MissingExtraError, match="anywidget"):
        show(SMALL)
    widget._kind.cache_clear()


class Reader(HTMLParser):
    """Reads tags with their attributes, and the text of cells."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.cells, self.inside = [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "td":
            self.inside = True
            self.cells.append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "td"

    def handle_data(self, data):
        if self.inside:
            self.cells[-1] += data


def test_a_table_shows_what_it_holds_as_text():
    frame = pd.DataFrame(
        {
            "citation": [EVIL, "b", None],
            "year": pd.array([2020, None, 2022], dtype="Int64"),
            "link": ["https://example.org/?a=1&b='2'", "javascript:harm()", "https://example.org/c"],
            "n\"<b>": ["one\ntwo", "", "x"],
        }
    )  # fmt: skip
    page = table(frame, caption=EVIL)._repr_html_()
    seen = Reader(page)
    assert seen.cells == [EVIL, "2020", "onetwo", "b", "", "", "", "2022", "x"]
    assert [tag for tag, _ in seen.tags].count("script") == 1
    assert not [tag for tag, _ in seen.tags if tag in ("img", "b")]
    links = [attributes for tag, attributes in seen.tags if tag == "a"]
    assert [one["href"] for one in links] == ["https://example.org/?a=1&b='2'"]
    assert links[0]["rel"] == "noopener noreferrer"
    assert "link" not in [attributes.get("class") for _, attributes in seen.tags]
    assert page == table(frame, caption=EVIL)._repr_html_()
    assert "2020" in repr(table(frame))


def test_a_long_table_is_small_and_has_every_row():
    studies = view(REAL, Filters("pool"), "technique").studies
    page = table(studies)._repr_html_()
    assert page.count("<tr>") == 156
    assert len(page) < 400_000
    assert '"paging": true' in page
    assert '"paging": false' in table(studies.head(10))._repr_html_()
    with pytest.raises(ReviewError, match="no columns"):
        table(pd.DataFrame())


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://doi.org/10.1/x", True),
        ("http://example.org", True),
        ("", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org/x", False),
        ("https://", False),
        ("https://exa mple.org", False),
        ("https://example.org/\n", False),
        ("https://[::1", False),
    ],
)
def test_only_addresses_of_the_web_become_links(address, good):
    assert is_web(address) is good


def test_the_script_of_tables_comes_once_and_loads_nothing():
    import itables.options

    page = start_tables()._repr_html_()
    script = page.split('bytes("')[2].split('")')[0]
    assert b64decode(script) == Path(itables.options.dt_bundle).read_bytes()
    style = b64decode(page.split('bytes("')[1].split('")')[0]).decode()
    assert ".review-table" in style
    assert "http" not in page.replace(script, "")
    assert len(page) < 1_100_000
    assert "sortable" in repr(start_tables())


def test_lab_opens_the_first_notebook_and_asks_nothing(monkeypatch, capsys):
    seen = {}

    def call(command, cwd, env):
        seen.update(command=command, cwd=cwd, env=env)
        return 0

    monkeypatch.setattr(subprocess, "call", call)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    assert cli.main(["lab", "--", "--no-browser"]) == 0
    assert seen["command"][1:3] == ["-m", "jupyterlab"]
    assert "--LabApp.default_url=/lab/tree/notebooks/00-start.ipynb" in seen["command"]
    assert seen["command"][-1] == "--no-browser"
    folder, mine = seen["env"]["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert mine == "/mine"
    overrides = json.loads((Path(folder) / "labconfig" / "default_setting_overrides.json").read_text("utf-8"))
    assert overrides["@jupyterlab/apputils-extension:notification"] == {"checkForUpdates": False, "fetchNews": "false"}
    assert cli.main(["lab", "--corpus", "elsewhere"]) == 1
    assert "corpus_dir = 'elsewhere'" in capsys.readouterr().err
    monkeypatch.setattr(subprocess, "call", lambda *_, **__: 3)
    assert cli.main(["lab"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["", str(TINY), str(paths.ROOT / "examples" / "second-review")])
def test_in_a_batch_the_notebook_writes_the_view_of_its_parameters(folder, tmp_path):
    loaded = corpus.load(folder)
    dimension = list(loaded.codebook.dimensions)[1]
    given = {"corpus_dir": folder, "where": "year >= 2019", "dimension": dimension, "output_dir": str(tmp_path)}
    flags = [part for name, value in given.items() if value for part in ("-p", name, value)]
    command = [sys.executable, "-m", "papermill", str(paths.NOTEBOOKS / "13-explore.ipynb"), str(tmp_path / "out.ipynb"), *flags]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    rows = json.loads((tmp_path / "tables" / "13-shares.json").read_text("utf-8"))
    shares = statistics.compute_shares(loaded, dimension, "default", "year >= 2019")
    assert [row["count"] for row in rows] == list(shares["count"])
    assert [row["status"] for row in rows] == list(shares["status"])
    studies = pd.read_csv(tmp_path / "tables" / "13-studies.csv")
    assert list(studies["key"]) == list(loaded.studies("default", "year >= 2019")["key"])
    book = json.loads((tmp_path / "out.ipynb").read_text("utf-8"))
    sizes = [len(json.dumps(cell.get("outputs"))) for cell in book["cells"]]
    assert sum(size > 500_000 for size in sizes) == 1, "the script of tables stands in the notebook once"
    assert not [o for cell in book["cells"] for o in cell.get("outputs", []) if o.get("name") == "stderr"]
