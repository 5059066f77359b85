"""What the pages in JupyterLab are made from: scripts and style sheets of their own, and what all of them share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from review.errors import MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType

STATIC = Path(__file__).parent / "static"


class Desk(Protocol):
    """What stands behind a page: it says what the page shows, and takes its messages."""

    def about(self) -> dict[str, Any]:
        """Return what the page has to know once."""

    def view(self) -> dict[str, Any]:
        """Return what the page shows now."""

    def receive(self, message: Any) -> dict[str, Any]:
        """Take a message and return the answer to it."""


def libraries() -> tuple[ModuleType, ModuleType]:
    """Return anywidget and traitlets.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    """
    try:
        import anywidget
    except ModuleNotFoundError:
        raise MissingExtraError("anywidget", "evaluate") from None
    import traitlets

    return anywidget, traitlets


def script(*files: Path) -> str:
    """Return the module of a page: what all pages share, then its own files."""
    return _joined(STATIC / "page.js", *files)


def style(*files: Path) -> str:
    """Return the style sheet of a page."""
    return _joined(STATIC / "page.css", *files)


def _joined(*files: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in files)


@cache
def desk_widget(scripts: tuple[Path, ...], styles: tuple[Path, ...]) -> Any:
    """Return the class of a widget that passes messages between a page and its desk; made once, when it is needed.

    It is called with the desk, and with what is said of it where there is no page.

    Raises
    ------
    MissingExtraError
        If anywidget is not installed.
    """
    anywidget, traitlets = libraries()

    class DeskWidget(anywidget.AnyWidget):  # type: ignore[name-defined, misc]
        """Passes messages between the page and its desk."""

        _esm = script(*scripts)
        _css = style(*styles)
        about = traitlets.Dict().tag(sync=True)
        view = traitlets.Dict().tag(sync=True)

        def __init__(self, desk: Desk, said: str) -> None:
            super().__init__(about=desk.about(), view=desk.view())
            self.desk, self.said = desk, said
            self.on_msg(self._receive)

        def __repr__(self) -> str:
            return f"{self.said}: open it in JupyterLab"

        def _receive(self, _: Any, message: Any, __: Any) -> None:
            reply = self.desk.receive(message)
            self.view = self.desk.view()
            self.send(reply)

    return DeskWidget
