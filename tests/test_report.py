"""The report is one safe file in which a count leads to its studies and a study to its evidence."""

import re
from html.parser import HTMLParser

import pytest

from review import corpus, report
from review.batch.runner import OK, Outcome


class Reader(HTMLParser):
    """Collects what matters of a page: ids, links, images, scripts, text."""

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.images, self.tags, self.text = [], [], [], [], []

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        self.tags.append(tag)
        if "id" in facts:
            self.ids.append(facts["id"])
        if tag == "a":
            self.links.append(facts["href"])
        if tag == "img":
            self.images.append(facts)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def loaded():
    return corpus.load()


def page(tmp_path, loaded, **options):
    path = tmp_path / "report.html"
    report.write_html(path, loaded, **options)
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader


def test_every_count_leads_to_its_studies_and_every_study_to_its_evidence(tmp_path, loaded):
    reader = page(tmp_path, loaded)
    assert len(reader.ids) == len(set(reader.ids))
    inner = [link[1:] for link in reader.links if link.startswith("#")]
    assert set(inner) <= set(reader.ids)
    assert len([name for name in reader.ids if name.startswith("study-")]) == 59
    assert len([name for name in reader.ids if name.startswith("count-")]) == 9
    assert inner.count("study-tang2023synthetic") == 2  # text and prompting, and none of the three counted evaluations
    text = " ".join(reader.text)
    assert "46 of 59" in text
    assert "by construction and is no independent confirmation" in text
    assert "language models reading public pages" in text
    assert "it does not mean no" in text
    assert "https://arxiv.org/abs/2303.04360" in reader.links


def test_the_page_loads_nothing_and_runs_nothing(tmp_path, loaded):
    reader = page(tmp_path, loaded)
    assert not {"script", "iframe", "object", "embed", "link", "form", "base"} & set(reader.tags)
    assert all(link.startswith(("#", "https://", "http://")) for link in reader.links)
    assert all(image["src"].startswith("data:") for image in reader.images)


def test_values_are_escaped(tmp_path, loaded):
    outcome = Outcome("<script>alert(1)</script>.ipynb", OK, 1.0)
    report.write_html(tmp_path / "r.html", loaded, outcomes=[outcome], where='title != "<b>x</b>"')
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "<script>alert" not in text
    assert "<b>x</b>" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_figures_are_inside_with_their_alt_text(tmp_path, loaded):
    (tmp_path / "one.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "one.txt").write_text('A "picture" of 3 < 4\n\nThe caption.\n')
    (tmp_path / "two.txt").write_text("Alt of two\n\nCaption of two\n")
    reader = page(tmp_path, loaded, figures=[tmp_path / "one.svg", tmp_path / "two.svg"])
    assert [image["alt"] for image in reader.images] == ['A "picture" of 3 < 4']
    text = " ".join(" ".join(reader.text).split())
    assert "The caption." in text
    assert "Not drawn: no browser was found" in text
    assert "Alt of two" in text


def test_the_pool_carries_its_caution(tmp_path, loaded):
    reader = page(tmp_path, loaded, selection="pool")
    text = " ".join(reader.text)
    assert "Their shares estimate nothing." in text
    assert "by construction" not in text
    assert len([name for name in reader.ids if name.startswith("study-")]) == 155


def test_the_same_input_gives_the_same_bytes(tmp_path, loaded):
    report.write_html(tmp_path / "a.html", loaded)
    report.write_html(tmp_path / "b.html", corpus.load())
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert not re.search(r"20\d\d-\d\d-\d\dT|/work/|/home/", (tmp_path / "a.html").read_text("utf-8"))


@pytest.mark.parametrize(
    ("row", "address"),
    [
        ({"doi": "10.1/x", "arxiv": "2001.00001", "pmid": "1", "pmcid": "PMC1"}, "https://doi.org/10.1/x"),
        ({"doi": "", "arxiv": "2001.00001", "pmid": "1", "pmcid": ""}, "https://arxiv.org/abs/2001.00001"),
        ({"doi": "", "arxiv": "", "pmid": "1", "pmcid": ""}, "https://pubmed.ncbi.nlm.nih.gov/1"),
        ({"doi": "", "arxiv": "", "pmid": "", "pmcid": "PMC1"}, "https://pmc.ncbi.nlm.nih.gov/articles/PMC1"),
        ({"doi": "", "arxiv": "", "pmid": "", "pmcid": ""}, ""),
    ],
)
def test_the_canonical_address_comes_first(row, address):
    assert corpus.link(row) == address


def test_differences_of_the_two_selections(loaded):
    table = report.compute_differences(loaded, "v1", "v2")
    first, second = (set(loaded.selections[name]) for name in ("v1", "v2"))
    assert set(table.loc[table["only_in"] == "v1", "key"]) == first - second
    assert set(table.loc[table["only_in"] == "v2", "key"]) == second - first
    assert len(first - second) == len(second - first)


def test_ranges_are_missing_where_no_reconstruction_exists(small):
    table = report.compute_reproduction(small)
    assert len(table)
    assert table[["range_low", "range_high"]].isna().all(axis=None)
