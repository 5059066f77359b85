"""Identifiers of publications in one form each: DOI, arXiv, PubMed, PubMed Central."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>{}|\\^`\x00-\x20]{1,250}")
_DOI_PREFIX = re.compile(r"^(?:(?:https?://)?(?:dx\.|www\.)?doi\.org/|doi\s*:?\s*)+", re.IGNORECASE)
_ARXIV_DOI = re.compile(r"10\.48550/arxiv\.(.+)", re.IGNORECASE)
_ARXIV_NEW = r"(?:0[7-9]|[1-9]\d)(?:0[1-9]|1[0-2])\.\d{4,5}"
_ARXIV_OLD = r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z]{2})?/\d{7}"
_ARXIV = re.compile(rf"({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d{{1,3}})?", re.IGNORECASE)
_ARXIV_PREFIX = re.compile(r"^(?:https?://)?(?:www\.|export\.)?arxiv\.org/(?:abs|pdf|html)/|^arxiv\s*:\s*", re.IGNORECASE)
_ARXIV_IN = re.compile(
    rf"(?:arxiv(?:\.org)?\s*[:./]?\s*(?:abs/|pdf/|html/|preprint\s+(?:arxiv:)?)?|\babs/)({_ARXIV_NEW}|{_ARXIV_OLD})(?:v\d{{1,3}})?(?!\d)",
    re.IGNORECASE,
)
_PMID = re.compile(
    r"(?:PMID\s*:?\s*|(?:https?://)?(?:www\.)?(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/)?0*([1-9]\d{0,8})/?"
)
_PMCID = re.compile(
    r"(?:PMCID\s*:?\s*|(?:https?://)?(?:www\.)?(?:pmc\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pmc)/articles/)?PMC0*([1-9]\d{0,8})(?:\.\d+)?/?",
    re.IGNORECASE,
)
_PREPRINT = re.compile(
    r"10\.1101/(?:\d{4}\.\d{2}\.\d{2}\.)?\d{6,8}(?:v\d+)?"  # bioRxiv, medRxiv
    r"|10\.64898/.+"  # openRxiv
    r"|10\.21203/rs\..+"  # Research Square
    r"|10\.2139/ssrn\..+"
    r"|10\.2196/preprints\..+"
    r"|10\.20944/preprints.+"
    r"|10\.26434/chemrxiv.+"
    r"|10\.36227/techrxiv.+"
    r"|10\.22541/(?:au|essoar)\..+"
    r"|10\.(?:31219|31234|31235|35542)/(?:osf\.io/)?.+"  # OSF, PsyArXiv, SocArXiv, EdArXiv
)


def doi(text: str) -> str:
    """Return a DOI in lower case without ``https://doi.org/`` or ``doi:``; "" if it is none.

    DOI names are compared without regard to case (DOI Handbook, doi 10.1000/182).
    """
    bare = text.strip()
    inner = _DOI_PREFIX.sub("", bare)
    if inner != bare and "%" in inner:
        inner = unquote(inner)
    inner = inner.strip().rstrip(".,;")
    if inner.endswith(")") and inner.count(")") > inner.count("("):
        inner = inner[:-1]
    return inner.lower() if _DOI.fullmatch(inner) else ""


def split_doi(text: str) -> tuple[str, str, str]:
    """Return what a DOI says: the DOI of the publication, that of a preprint server, an arXiv identifier; the others are ""."""
    found = doi(text)
    match = _ARXIV_DOI.fullmatch(found)
    if match:
        return "", "", arxiv(match[1])
    if _PREPRINT.fullmatch(found):
        return "", re.sub(r"(?<=\d)v\d+$", "", found) if found.startswith("10.1101/") else found, ""
    return found, "", ""


def arxiv(text: str) -> str:
    """Return an arXiv identifier without version, of the new or the old kind; "" if it is none."""
    bare = _ARXIV_PREFIX.sub("", text.strip())
    bare = re.sub(r"\s*\[[\w.-]+\]$|\.pdf$|/$", "", bare, flags=re.IGNORECASE)
    match = _ARXIV.fullmatch(bare)
    return match[1].lower() if match else ""


def arxiv_in(text: str) -> str:
    """Return the arXiv identifier that a text names, such as "arXiv preprint arXiv:2506.16594" or "abs/2506.16594"; or ""."""
    match = _ARXIV_IN.search(text[:500])
    return match[1].lower() if match else ""


def pmid(text: str) -> str:
    """Return a PubMed identifier as digits; "" if it is none."""
    match = _PMID.fullmatch(text.strip())
    return match[1] if match else ""


def pmcid(text: str) -> str:
    """Return a PubMed Central identifier as PMC and digits; "" if it is none."""
    match = _PMCID.fullmatch(text.strip())
    return f"PMC{match[1]}" if match else ""


def address(text: str) -> str:
    """Return an address of the web; "" if it is none or has a user or blanks in it."""
    try:
        parts = urlsplit(text.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return ""
    return text.strip() if good and not re.search(r"[\s\"<>{}|\\^`]", text.strip()) else ""


def in_address(text: str) -> dict[str, str]:
    """Return the identifiers that an address stands for, by name: doi, arxiv, pmid, pmcid."""
    lower = text.lower()
    if re.match(r"https?://(?:dx\.|www\.)?doi\.org/", lower):
        return {"doi": doi(text)}
    if re.match(r"https?://(?:www\.|export\.)?arxiv\.org/", lower):
        return {"arxiv": arxiv(text)}
    return {"pmid": pmid(text) if "pubmed" in lower else "", "pmcid": pmcid(text) if "/articles/pmc" in lower else ""}
