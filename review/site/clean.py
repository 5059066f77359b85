"""Untrusted text on its way into a page: HTML without scripts, data that cannot leave their element, addresses that are safe."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Resolve = Callable[[str], str | None]
"""Takes a relative address as somebody wrote it; returns the one that holds in the site, or None: there is no such thing."""

TAGS = frozenset(
    re.findall(
        r"\S+",
        "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h2 h3 h4 h5 h6 hr i img "
        "ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var "
        "svg circle g line path rect text title",
    )
)
_SHAPE = frozenset(
    re.findall(r"\S+", "cx cy d fill height r stroke stroke-dasharray stroke-width text-anchor width x x1 x2 y y1 y2")
)
ATTRIBUTES: dict[str, set[str]] = {
    "*": {"class", "dir", "lang"},
    "a": {"href", "title"},
    "col": {"span"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "ol": {"start"},
    "td": {"colspan", "headers", "rowspan"},
    "th": {"colspan", "headers", "rowspan", "scope"},
    "svg": {"aria-label", "height", "role", "viewBox", "width"},
    **{name: set(_SHAPE) for name in ("circle", "g", "line", "path", "rect", "text")},
}
PLACES = {name: {"id"} for name in ("details", "div", "dt", "figure", "h2", "h3", "h4", "h5", "h6", "p", "tr")}
"""Elements whose ``id`` is kept where links within a page lead to it."""

SCHEMES = {"data", "http", "https", "mailto"}
_CLASS = re.compile(r"(n|note|of|wide|grade|pass|fail|unclear|not-assessable|caution|gt_[a-z_]+|[a-z]{1,3}[0-9]?)$")
"""Classes that the style sheet knows in foreign HTML: those of our reports, of great_tables and of highlighted code."""

_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+")
_WEB = re.compile(r"https?://[^\s\"'<>\\]+", re.IGNORECASE)


def clean(html: str, resolve: Resolve, *, places: bool = False) -> str:
    """Return HTML without anything that runs, loads or covers: no scripts, handlers, styles, frames or forms.

    Parameters
    ----------
    html : str
        Any HTML fragment.
    resolve : callable
        Rewrites relative addresses; what it does not know loses its link.
    places : bool
        Whether ``id`` attributes are kept: only for pages of which there is one in a document.
    """
    import nh3

    attributes = {name: set(known) for name, known in ATTRIBUTES.items()}
    for name, known in PLACES.items() if places else ():
        attributes.setdefault(name, set()).update(known)
    return nh3.clean(
        html,
        tags=set(TAGS),
        attributes=attributes,
        attribute_filter=_keep,
        url_schemes=SCHEMES,
        url_relative=resolve,
        clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "textarea", "title"} - TAGS,
    )


def _keep(tag: str, attribute: str, value: str) -> str | None:
    """Return the value of an attribute, or None if it must go."""
    if attribute == "class":
        return " ".join(name for name in value.split() if _CLASS.fullmatch(name)) or None
    if value.lstrip().lower().startswith("data:"):
        return value if (tag, attribute) == ("img", "src") and _PICTURE.fullmatch(value) else None
    if (tag, attribute) == ("img", "src") and re.match(r"\s*([a-z]+:|//)", value, re.IGNORECASE):
        return None  # a picture from elsewhere would be a request
    return value


def web(address: object) -> str:
    """Return an address if a link may lead there, or ""."""
    text = str(address or "").strip()
    return text if _WEB.fullmatch(text) else ""


def data(value: Any) -> str:
    """Return JSON that can stand in a script element of a page or a file: nothing in it can end the element.

    Numbers that JSON does not know (NaN, infinities) become null, as plotly writes them.
    """
    text = json.dumps(_finite(value), ensure_ascii=False, sort_keys=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
