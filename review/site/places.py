"""Where everything is in a site: one address for each study, code, notebook and guide."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from review.site.clean import Resolve
from review.site.markdown import Headings

if TYPE_CHECKING:
    from review.corpus import Corpus

STUDIES, STATISTICS, NOTEBOOKS, GUIDES, FILES = "studies", "statistics", "notebooks", "guides", "files"
INDEX = "index.html"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_RESERVED = re.compile(r"(index|con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$", re.IGNORECASE)


def name_files(names: Iterable[str]) -> dict[str, str]:
    """Return a file name without suffix for each name: one that every file system takes, no two alike even in small letters."""
    taken: set[str] = set()
    found = {}
    for name in names:
        short = re.sub(r"[^A-Za-z0-9_.-]", "-", name)
        odd = short != name or not _SAFE.fullmatch(name) or _RESERVED.match(name) or len(name) > 120
        if odd or short.lower() in taken:
            short = short.replace(".", "-") if _RESERVED.match(short) else short
            short = f"{short[:80].strip('.-') or 'x'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        taken.add(short.lower())
        found[name] = short
    return found


def relative(target: str, page: str) -> str:
    """Return the address of a place of the site as seen from a page; both are given from the top folder."""
    path, mark, fragment = target.partition("#")
    return quote(posixpath.relpath(path, posixpath.dirname(page) or ".")) + mark + fragment


@dataclass(frozen=True)
class Places:
    """Addresses of a site, from its top folder.

    Attributes
    ----------
    studies, dimensions : mapping of str to str
        Pages by citation key and by name of the dimension.
    codes : mapping of (str, str) to str
        Places by dimension and code.
    sources : dict of str to str
        Pages and files of the site by the path of what they show in the project, for example ``docs/batch.md``.
    """

    studies: Mapping[str, str]
    dimensions: Mapping[str, str]
    codes: Mapping[tuple[str, str], str]
    sources: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, corpus: Corpus) -> Places:
        """Return the places of the studies and codes of a corpus."""
        keys = name_files(reference.key for reference in corpus.references)
        dimensions = {name: f"{STATISTICS}/{file}.html" for name, file in name_files(corpus.codebook.dimensions).items()}
        codes = {}
        for name, dimension in corpus.codebook.dimensions.items():
            headings = Headings()
            for code in dimension.categories:
                codes[name, code] = f"{dimensions[name]}#{headings.place(f'code-{code}')}"
        return cls({key: f"{STUDIES}/{file}.html" for key, file in keys.items()}, dimensions, codes)

    def resolve(self, page: str, source: str) -> Resolve:
        """Return what rewrites relative addresses that stand in a source for the page that shows it.

        Parameters
        ----------
        page : str
            The page of the site.
        source : str
            Path of the source in the project: addresses are relative to it.
        """

        def rewrite(address: str) -> str | None:
            parts = urlsplit(address)
            mark = f"#{parts.fragment}" if parts.fragment else ""
            if not parts.path:
                return mark or None
            path = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(parts.path)))
            target = self.sources.get(path)
            return relative(target, page) + ("" if "#" in target else mark) if target else None

        return rewrite

    def seen_from(self, page: str) -> Callable[[str], str]:
        """Return what turns places into addresses for one page; templates call it ``to``."""
        return lambda target: relative(target, page)
