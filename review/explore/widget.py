"""The explorer in JupyterLab: boxes and a filter at the left, shares and studies at the right, by mouse or keyboard.

The page is in ``static/``; it loads nothing from elsewhere, and shows what the corpus holds as text, never as HTML.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from review.corpus import DEFAULT
from review.explore.desk import Desk
from review.explore.filters import Filters
from review.widget import libraries, script, style

if TYPE_CHECKING:
    from review.corpus import Corpus

STATIC = Path(__file__).parent / "static"
ELSEWHERE = "<p><em>The explorer stands here in JupyterLab, where a kernel answers it.</em></p>"
"""What is shown instead of the page where an executed notebook is read as a file."""


def show(corpus: Corpus, filters: Filters | None = None, dimension: str = "", version: str = DEFAULT) -> Any:
    """Return the widget in which a reader filters a corpus and sees its shares and studies change.

    Parameters
    ----------
    corpus : Corpus
    filters : Filters, optional
        What is asked at first; by default every study of the codebook's selection.
    dimension, version : str
        As in :func:`review.explore.view`.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    ReviewError
        If a name is not in the corpus.
    """
    kind = _kind()
    if dimension:
        corpus.codebook[dimension]  # refuses a name that is no dimension
    corpus.version(version)
    return kind(Desk(corpus, filters or Filters(), dimension, version))


@cache
def _kind() -> Any:
    """Return the class of the widget; made once, when it is needed."""
    anywidget, traitlets = libraries()

    class ExploreWidget(anywidget.AnyWidget):  # type: ignore[name-defined, misc]
        """Passes what is asked to the desk, and its answer to the page."""

        _esm = script(STATIC / "explore.js")
        _css = style(STATIC / "explore.css")
        about = traitlets.Dict().tag(sync=True)
        asked = traitlets.Dict().tag(sync=True)
        answer = traitlets.Dict().tag(sync=True)

        def __init__(self, desk: Desk) -> None:
            asked = desk.asked()
            super().__init__(about=desk.about(), asked=asked, answer=desk.answer(asked))
            self.desk = desk
            self.observe(self._answer, "asked")

        def __repr__(self) -> str:
            said = self.answer["error"] or self.answer["headline"]
            return f"Explorer, {said}: open it in JupyterLab"

        def _repr_mimebundle_(self, **options: Any) -> Any:
            shown = super()._repr_mimebundle_(**options)
            assert shown is not None  # it has a view
            return {**shown[0], "text/html": ELSEWHERE}, shown[1]

        def _answer(self, change: Any) -> None:
            self.answer = self.desk.answer(change.new)

    return ExploreWidget
