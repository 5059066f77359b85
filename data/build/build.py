"""Build ``data/`` from the evidence in ``data/build/evidence/``; same evidence, same bytes.

Run ``python data/build/build.py [TARGET]`` (default target: ``data/``). What a person or a language model decided stands in the
evidence, the mapping of terms, the mapping of reasons, the settlements and the codebook; this script only arranges it.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from review import bibliography, codebook, contracts, corpus, paths, selection
from review.bibliography import Reference
from review.files import rows_to_csv, to_json, write_bytes, write_text

HERE = Path(__file__).resolve().parent
EVIDENCE = HERE / "evidence"
SEARCHED_ON = "2026-11-23"
FLAGS = ("intrinsic", "human", "llm", "downstream")
SCOPES = {"abstract": "abstract", "landing+intro": "landing page", "repo readme": "repository"}
OPEN = {
    "technique": "techniques",
    "generator": "generators",
    "application": "application",
    "domain": "clinical_domain",
    "language": "language",
    "seed_data": "seed_data",
}
ARXIV, JOURNAL = "arXiv:2506.16594", "doi:10.1007/s41666-026-00229-9"
NEWS = "https://www.kukarella.com/news/ais-synthetic-data-boosts-biomedical-research-p1771488007"


def read_json(name: str) -> list[dict[str, Any]]:
    """Return a list of records of the evidence."""
    records: list[dict[str, Any]] = json.loads((EVIDENCE / name).read_text("utf-8"))
    return records


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV table."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Evidence:
    """Everything that was found and decided, by citation key."""

    def __init__(self, book: codebook.Codebook) -> None:
        self.book = book
        self.pool = {row["key"]: row for row in read_json("pool.json")}
        self.excluded = {row["key"]: row for row in read_json("excluded.json")}
        self.verified = {row["key"]: row for row in read_json("verification.json")}
        self.reasons = {row["raw"]: row["reason"] for row in read_rows(HERE / "reasons.csv")}
        settled = yaml.safe_load((HERE / "settlements.yaml").read_text("utf-8"))
        self.unverified_reasons: dict[str, str] = settled["reasons"]
        self.decisions: dict[str, dict[str, str]] = settled["decisions"]
        for key, correction in settled["corrections"].items():
            self.verified[key]["identity"].update(correction.get("identity", {}))
            self.verified[key]["codes"].update(correction.get("codes", {}))
            self.verified[key]["correction"] = correction["note"]
        self.mapping: dict[tuple[str, str], list[str]] = {}
        for row in read_rows(HERE / "mapping.csv"):
            values = self.mapping.setdefault((row["dimension"], row["raw"]), [])
            if row["value"]:
                values.append(row["value"])

    def status(self, key: str) -> str:
        """Return verified, unverified or excluded."""
        return str(self.decisions.get(key, self.verified[key])["status"])

    def labels(self, dimension: str, terms: Any) -> dict[str, str]:
        """Map raw terms to codes; each code with the terms that gave it."""
        found: dict[str, list[str]] = {}
        for term in terms if isinstance(terms, list) else [terms]:
            if term is not None:
                for code in self.mapping[dimension, term]:
                    found.setdefault(code, []).append(str(term))
        order = list(self.book[dimension].categories)
        return {code: "; ".join(found[code]) for code in sorted(found, key=order.index)}


def reference(row: dict[str, Any]) -> Reference:
    """Turn a verified identity into an entry that cites the published version."""
    identity = row["identity"]
    kind = {"journal": "article", "conference": "inproceedings", "workshop": "inproceedings"}.get(identity["kind"], "misc")
    place = {"article": "journal", "inproceedings": "booktitle"}.get(kind, "howpublished")
    fields = {
        "title": identity["title"],
        "author": " and ".join(identity["authors"] or []),
        "year": identity["year"],
        place: identity["venue"],
        "volume": identity["volume"],
        "number": identity["number"],
        "pages": str(identity["pages"] or "").replace("--", "-").replace("-", "--"),
        "doi": identity["doi"],
        "eprint": identity["arxiv"],
        "archiveprefix": "arXiv" if identity["arxiv"] else None,
        "pmid": identity["pmid"],
        "pmcid": identity["pmcid"],
        "preprint": identity["preprint_doi"],
        "firstpublic": identity["first_public"],
    }
    return Reference(row["key"], kind, {name: str(value) for name, value in fields.items() if value}, 0)


def evaluation_labels(flags: dict[str, Any]) -> list[str]:
    """Return the labels that are known: ``human`` for true, ``not human`` for false."""
    return [name if flags[name] else codebook.NOT + name for name in FLAGS if flags.get(name) is not None]


def coder_rows(evidence: Evidence, key: str, coder: str) -> list[list[str]]:
    """Return the codes that coder a or b gave to one study."""
    codes = evidence.pool[key][f"coder_{coder}"]
    tail = [codes["source_url"] or "", SCOPES[codes["source_scope"]]]
    found, confidence = codes["evidence"] or {}, codes["confidence"]

    def row(dimension: str, value: str, sure: str | None, words: str | None) -> list[str]:
        return [key, dimension, coder, value, sure or "", words or "", *tail]

    rows = [row(name, codes[name] or "", confidence.get(name), found.get(name)) for name in ("modality", "method")]
    labels = evaluation_labels(codes["evaluation"]) or [""]
    rows += [row("evaluation", label, confidence.get("evaluation"), found.get("evaluation")) for label in labels]
    primary = codes["primary_evaluation"]
    rows.append(row("primary_evaluation", primary if primary in FLAGS else "", confidence.get("evaluation"), ""))
    for dimension, field in OPEN.items():
        if field in codes:
            terms = evidence.labels(dimension, codes[field]) or {"": ""}
            rows += [row(dimension, code, "", words) for code, words in terms.items()]
    return rows


def verifier_rows(evidence: Evidence, key: str) -> list[list[str]]:
    """Return the codes that the verifier confirmed, corrected, added or cleared, with the page that shows them."""
    verified = evidence.verified[key]
    codes = verified["codes"]

    def row(dimension: str, value: str, code: dict[str, Any]) -> list[str]:
        sure = verified["confidence"] if value else ""
        return [key, dimension, "verifier", value, sure, code["evidence"] or "", code["source"] or "", code["scope"] or ""]

    rows = [row(name, codes[name]["value"] or "", codes[name]) for name in ("modality", "method")]
    known = [name for name in FLAGS if codes[name]["value"] is not None]
    for name in known:
        label = name if codes[name]["value"] else codebook.NOT + name
        rows.append(row("evaluation", label, codes[name]))
    if not known:
        rows.append([key, "evaluation", "verifier", "", "", "", "", ""])
    generators = evidence.labels("generator", verified["generators"])
    source = codes["method"]["source"] or ""
    for code, words in generators.items():
        rows.append([key, "generator", "verifier", code, "", words, source, codes["method"]["scope"] or ""])
    if not generators:
        rows.append([key, "generator", "verifier", "", "", "", "", ""])
    return rows


def consensus_rows(book: codebook.Codebook, rows: list[list[str]]) -> list[list[str]]:
    """Apply the rule of consensus to the rows of one study.

    1. Where a verifier read a page for the dimension (modality, method, evaluation), the verifier's codes; a cleared code is
       unknown. For the generator too, unless the verifier saw none named.
    2. Else where both coders gave codes: those that both gave.
    3. Else the codes of the one coder who gave any.
    """
    key, result = rows[0][0], []
    for name in book.dimensions:
        given = {coder: [row for row in rows if row[1] == name and row[2] == coder] for coder in ("a", "b", "verifier")}
        values = {coder: [row[3] for row in found if row[3]] for coder, found in given.items()}
        if given["verifier"] and (values["verifier"] or name != "generator"):
            chosen, rule, used = values["verifier"], "verifier", given["verifier"]
        elif values["a"] and values["b"]:
            chosen, rule, used = [value for value in values["a"] if value in values["b"]], "both coders", given["a"]
        else:
            coder = "b" if values["b"] else "a"
            chosen, rule, used = values[coder], f"coder {coder} only", given[coder]
        sources = {row[3]: (row[6], row[7]) for row in used}
        for value in chosen or [""]:
            source, scope = sources.get(value, ("", ""))
            result.append([key, name, "consensus", value, "", rule if value else "", source, scope])
    return result


def coding(evidence: Evidence, keys: list[str]) -> str:
    """Return ``coding.csv``."""
    names = list(evidence.book.dimensions)
    table: list[list[str]] = []
    for key in keys:
        rows = [*coder_rows(evidence, key, "a"), *coder_rows(evidence, key, "b"), *verifier_rows(evidence, key)]
        rows += consensus_rows(evidence.book, rows)
        table += sorted(rows, key=lambda row: (names.index(row[1]), contracts.CODERS.index(row[2])))
    return rows_to_csv(contracts.schema(paths.CODING).columns, table)


def screening(evidence: Evidence) -> str:
    """Return ``screening.csv``: every record, the last stage it reached, and why."""
    table = []
    for key, record in evidence.excluded.items():
        reason = evidence.reasons[record["exclusion_reason"]]
        facts = [record[name] or "" for name in ("title", "year", "doi", "arxiv", "pmid")]
        words = record["exclusion_reason"]
        table.append([key, "screening", "excluded", reason, words, "", "", record["source_url"] or "", *facts])
    for key, record in evidence.verified.items():
        status = evidence.status(key)
        decision = evidence.decisions.get(key, {})
        reason = decision.get("reason") or evidence.unverified_reasons.get(key, "")
        eligibility = evidence.pool[key]["coder_b"]["eligibility_note"]
        borderline = f"borderline: {eligibility or 'see evidence'}" if evidence.pool[key]["borderline"] else None
        parts = [decision.get("note"), record.get("correction"), record["status_reason"], record["identity_note"], borderline]
        note = " | ".join(str(part) for part in parts if part)
        identity = record["identity"]
        facts = [identity[name] or "" for name in ("title", "year", "doi", "arxiv", "pmid")]
        seen = record["eligibility_note"] or ""
        table.append(
            [
                *(key, "verification", status, "" if status == "verified" else reason, note, record["verified_on"], seen),
                *(record["eligibility_source"] or "", *facts),
            ]
        )
    return rows_to_csv(contracts.schema(paths.SCREENING).columns, sorted(table))


def published() -> str:
    """Return ``published.csv``: every share as printed, with source and date."""
    shares = {
        ("modality", "text"): ("78.0", "78.0", "78.0"),
        ("modality", "tabular"): ("13.6", "13.6", "13.6"),
        ("modality", "multimodal"): ("8.4", "8.4", "8.4"),
        ("method", "prompting"): ("72.9", "74.6", "74.6"),
        ("method", "fine-tuning"): ("22.0", "20.3", None),
        ("method", "specialized"): ("5.1", "5.1", None),
        ("evaluation", "intrinsic"): ("27.1", "27.1", "27.1"),
        ("evaluation", "human"): ("55.9", "44.1", "44.1"),
        ("evaluation", "llm"): ("13.6", "13.6", "13.6"),
    }
    places = {
        "v1": (f"{ARXIV}v1", "2025-06-19", "abstract"),
        "v2": (f"{ARXIV}v2; {JOURNAL}", "2026-02-17", "abstract; the date is that of arXiv version 2"),
        "news": (NEWS, "2026-02-19", "report on the review"),
    }
    rows = []
    for index, (version, (source, date, note)) in enumerate(places.items()):
        for (dimension, category), printed in shares.items():
            if printed[index]:
                rows.append([version, dimension, category, printed[index], 59, source, date, note])
    return rows_to_csv(contracts.schema(paths.PUBLISHED).columns, rows)


def flow(records: int) -> str:
    """Return ``flow.csv``: how the records were identified."""
    rows = [
        ["queries", 356, f"keyword queries in four topic groups over stored public pages, {SEARCHED_ON}"],
        ["records found", 404, "rows after the queries of all groups were put together"],
        ["duplicates removed", 404 - records, "merged by title, DOI, arXiv, PubMed and PubMed Central identifier"],
    ]
    return rows_to_csv(contracts.schema(paths.FLOW).columns, rows)


def resource(name: str) -> dict[str, Any]:
    """Return the Data Package description of one table."""
    contract = contracts.schema(name)
    fields = []
    for column in contract.columns.values():
        constraints: dict[str, Any] = {}
        for check in column.checks:
            allowed = check.statistics.get("allowed_values")
            if allowed is not None and "" not in allowed:
                constraints["enum"] = sorted(allowed)
            if check.error == "is empty":
                constraints["required"] = True
        field = {"name": column.name, "type": "string", "description": column.description}
        fields.append({**field, **({"constraints": constraints} if constraints else {})})
    return {
        "name": name.removesuffix(".csv"),
        "path": name,
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": [""]},
    }


def datapackage() -> str:
    """Return ``datapackage.json`` (Data Package version 2)."""
    tables = (paths.CODING, paths.SCREENING, paths.SELECTION, paths.PUBLISHED, paths.FLOW)
    files = {paths.BIBLIOGRAPHY: "application/x-bibtex", paths.CODEBOOK: "application/yaml"}
    others = [
        {"name": Path(name).stem, "path": name, "format": Path(name).suffix[1:], "mediatype": kind, "encoding": "utf-8"}
        for name, kind in files.items()
    ]
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "synthetic-data-review-corpus",
        "title": "Coded corpus of studies of synthetic data generation by language models in biomedicine",
        "description": "A calibrated reconstruction of the studies behind doi:10.1007/s41666-026-00229-9; see README.md.",
        "version": "0.1.0",
        "created": f"{SEARCHED_ON}T00:00:00Z",
        "licenses": [
            {
                "name": "CC-BY-4.0",
                "path": "https://creativecommons.org/licenses/by/4.0/",
                "title": "Creative Commons Attribution 4.0",
            }
        ],
        "resources": [*(resource(name) for name in tables), *others],
    }
    return to_json(package)


def build(target: Path) -> Counter[str]:
    """Write every file of ``data/`` that is made from the evidence; return the decisions counted."""
    book = codebook.load(paths.DATA / paths.CODEBOOK)
    evidence = Evidence(book)
    keys = sorted(key for key in evidence.verified if evidence.status(key) != "excluded")
    if target != paths.DATA:
        write_bytes(target / paths.CODEBOOK, (paths.DATA / paths.CODEBOOK).read_bytes())
    references = [reference(evidence.verified[key]) for key in keys]
    write_text(target / paths.BIBLIOGRAPHY, bibliography.write(references))
    write_text(target / paths.CODING, coding(evidence, keys))
    write_text(target / paths.SCREENING, screening(evidence))
    write_text(target / paths.PUBLISHED, published())
    write_text(target / paths.FLOW, flow(len(evidence.excluded) + len(evidence.verified)))
    (target / paths.SELECTION).unlink(missing_ok=True)
    loaded = corpus.load(target)
    chosen = {version: selection.calibrate(loaded, version) for version in ("v1", "v2")}
    write_text(target / paths.SELECTION, selection.to_csv(chosen))
    write_text(target / paths.DATAPACKAGE, datapackage())
    corpus.load(target)
    return Counter(evidence.status(key) for key in evidence.verified)


if __name__ == "__main__":
    print(dict(build(Path(sys.argv[1]) if len(sys.argv) > 1 else paths.DATA)), file=sys.stderr)
