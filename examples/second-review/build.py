"""Turn the source table of the second review into a corpus; same source, same bytes.

Run ``python examples/second-review/build.py [TARGET]`` (default target: the folder of this script). It reads ``source/`` and
writes ``bibliography.bib``, ``coding.csv``, ``selection.csv`` and ``published.csv``; codebook and README are written by hand.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

from review import bibliography, contracts, paths
from review.bibliography import Reference
from review.files import rows_to_csv, write_text

HERE = Path(__file__).resolve().parent
TABLE = HERE / "source" / "Supplementary_Table_1_All_Studies.csv"
REPORT = HERE / "source" / "classification_analysis_report.json"
REPOSITORY = "https://github.com/slimnithbt135/microbiome-kg-scoping-review"
TABLE_PAGE = f"{REPOSITORY}/blob/5f17728940bdad49eea06949d6c05cfd86c6d730/data/supplementary/{TABLE.name}"
REPORT_PAGE = f"{REPOSITORY}/blob/8da1cbebed6ae17fa8557a8b72e3c9dd7160fcea/outputs/reports/{REPORT.name}"
README_PAGE = f"{REPOSITORY}/blob/5a4516e8bfc31a18b9269c95311320ace5bdf68b/README.md"
SELECTION = "included"
SKIPPED = frozenset(["a", "an", "and", "at", "by", "correction", "for", "in", "of", "on", "response", "the", "to", "towards"])

CODES = {
    "family": {
        "MDKG-type": "microbe-disease",
        "KG-Microbe-type": "modular-microbial",
        "MicrobiomeKG-type": "host-microbiome",
        "BRIDGE-type": "resistance-embedding",
        "MINERVA-type": "diet-environment",
        "AMR-GNN-type": "resistance-gnn",
    },
    "technology": {
        "RDF/OWL": "rdf-owl",
        "KG Embeddings": "embeddings",
        "GNN-based": "gnn",
        "Property Graph": "property-graph",
    },
    "fair": {"High": "high", "Moderate": "moderate", "Low-Moderate": "low-moderate"},
    "ontologies": {
        "NCBITaxon": "ncbitaxon",
        "GO": "go",
        "ChEBI": "chebi",
        "DOID/MONDO": "doid-mondo",
        "OMP": "omp",
        "MCO": "mco",
        "CARD": "card",
        "KEGG": "kegg",
        "DrugBank": "drugbank",
        "Biolink": "biolink",
        "OHMI": "ohmi",
        "UniProt": "uniprot",
        "Custom schema": "custom",
    },
    "database": {"pubmed": "pubmed", "IEEE Xplore": "ieee-xplore", "bioRxiv": "biorxiv"},
    "certainty": {"high": "high", "medium": "medium", "low": "low"},
}
"""For each dimension the source's own term and the code that stands for it."""

COLUMNS = {
    "family": "Category",
    "technology": "Graph_Type",
    "fair": "FAIR_Compliance",
    "ontologies": "Ontologies_Used",
    "database": "Source",
    "certainty": "Classification_Confidence",
}
PRINTED = {
    "family": ("category_distribution", "categories"),
    "technology": ("technology_distribution", "technologies"),
    "fair": ("fair_compliance", "fair_compliance"),
    "ontologies": ("ontology_usage", "ontologies"),
    "database": ("source_distribution", "sources"),
    "certainty": ("classification_confidence", "confidence_levels"),
}
"""Where the report prints the shares of each dimension."""

HEADLINES = (
    ("family", "MDKG-type", "46.3"),
    ("technology", "RDF/OWL", "92.6"),
    ("fair", "High", "46.3"),
    ("ontologies", "NCBITaxon", "88.9"),
)
"""The shares that the repository's README prints as key findings."""


def read_table() -> list[dict[str, str]]:
    """Return the rows of the source table."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def level(score: str) -> str:
    """Return the level of a score from 1 to 10, with the thresholds that the source prints."""
    return "high" if int(score) >= 7 else "medium" if int(score) >= 4 else "low"


def terms(row: dict[str, str], dimension: str) -> list[str]:
    """Return the source's terms for one study and dimension."""
    text = row[COLUMNS[dimension]]
    if dimension == "certainty":
        return [level(text)]
    return text.split(", ") if dimension == "ontologies" else [text]


def ascii_word(text: str) -> str:
    """Return the letters and digits of ``text`` in lower case, without accents."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def authors(row: dict[str, str]) -> str:
    """Return the authors as BibTeX names; each database writes them in its own way."""
    text = row["Authors"]
    if row["Source"] == "IEEE Xplore":  # "R. A. D. Santos; Z. -A. Huang": initials, then the family name
        people = [re.fullmatch(r"((?:-?\w\. ?)+)(.+)", name.strip()) for name in text.split(";")]
        return " and ".join(f"{person[2]}, {person[1].strip().replace(' -', '-')}" for person in people if person)
    names = [name.strip() for name in text.removesuffix(".").split(",")]
    if row["Source"] == "bioRxiv":  # "Vollmer Sebastian": family name first
        return " and ".join(name.replace(" ", ", ", 1) for name in names)
    # "van Harmelen F": family name, then initials; a name without initials is an organisation
    return " and ".join(re.sub(r" (?=[A-Z]{1,3}$)", ", ", name) for name in names)


def reference(row: dict[str, str]) -> Reference:
    """Return one study as a bibliography entry, with nothing that the table does not say."""
    people, title = authors(row), row["Title"]
    first = ascii_word(people.split(" and ")[0].split(",")[0])
    words = [ascii_word(word) for word in re.split(r"[\s:/-]+", title)]
    word = next(word for word in words if word and word not in SKIPPED)
    fields = {"title": title, "author": people, "year": row["Year"]}
    kind, venue = "misc", row["Journal"]
    if row["Source"] == "bioRxiv":
        fields["howpublished"] = venue
    elif venue.startswith("IEEE "):
        kind, fields["journal"] = "article", venue
    elif venue:
        kind, fields["booktitle"] = "inproceedings", venue
    fields["doi"] = row["DOI"]
    return Reference(f"{first}{row['Year']}{word}", kind, fields, 0)


def coding(key: str, row: dict[str, str]) -> list[list[str]]:
    """Return the codes of one study: those of the one coder, and the same as consensus."""
    found = []
    for coder in ("a", "consensus"):
        for dimension, codes in CODES.items():
            for term in terms(row, dimension):
                evidence = f"record {row['Record_ID']}, {COLUMNS[dimension]}: {row[COLUMNS[dimension]]}"
                confidence = level(row["Classification_Confidence"]) if (dimension, coder) == ("family", "a") else ""
                shown = evidence if coder == "a" else "coder a only"
                found.append([key, dimension, coder, codes[term], confidence, shown, TABLE_PAGE, ""])
    return found


def published() -> list[list[str]]:
    """Return the shares as printed: those of the report, then those of the repository's README."""
    report: dict[str, Any] = json.loads(REPORT.read_text("utf-8"), parse_float=str)
    total = str(report["summary"]["total_studies"])
    rows = []
    for dimension, (part, name) in PRINTED.items():
        for term, code in CODES[dimension].items():
            shares = report[part][name][term]
            share = shares.get("percentage", shares.get("percentage_of_studies"))
            note = f"printed with the count {shares['count']}"
            rows.append(["report", dimension, code, str(share), total, REPORT_PAGE, "", note])
    rows += [
        ["readme", dimension, CODES[dimension][term], share, total, README_PAGE, "", "key findings"]
        for dimension, term, share in HEADLINES
    ]
    return rows


def main(target: Path) -> None:
    """Write the corpus files into ``target``; studies that share a key get a letter, in the order of the table."""
    found = [(reference(row), row) for row in read_table()]
    stems = [item.key for item, _ in found]
    letters = [chr(ord("a") + stems[:index].count(stem)) if stems.count(stem) > 1 else "" for index, stem in enumerate(stems)]
    named = [(replace(item, key=item.key + letter), row) for (item, row), letter in zip(found, letters, strict=True)]
    table = sorted(named, key=lambda pair: pair[0].key)
    keys = [item.key for item, _ in table]
    tables = {
        paths.CODING: [line for item, row in table for line in coding(item.key, row)],
        paths.SELECTION: [[SELECTION, key, "listed"] for key in keys],
        paths.PUBLISHED: published(),
    }
    write_text(target / paths.BIBLIOGRAPHY, bibliography.write(item for item, _ in table))
    for name, rows in tables.items():
        write_text(target / name, rows_to_csv(contracts.schema(name).columns, rows))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
