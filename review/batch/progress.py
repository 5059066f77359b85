"""How far many runs are, and how long they will still take: a bar in a terminal, a line with a bar in JupyterLab."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from review.batch.campaign import Done


class Progress:
    """Shows what is done, as the ``report`` of :func:`review.batch.campaign.run`.

    Runs that are skipped do not count: they take no time from which that of the others could be estimated.

    Parameters
    ----------
    total : int
        Runs, the skipped ones included.
    file : text stream, optional
        Where the bar of a terminal goes; standard error by default.
    """

    def __init__(self, total: int, file: TextIO | None = None) -> None:
        self.left, self.ended, self.failed, self.skipped = total, 0, 0, 0
        self.start = time.monotonic()
        self.handle = _display()
        self.bar: Any = None
        if self.handle is None:
            from tqdm import tqdm

            self.bar = tqdm(total=total, desc="runs", unit="run", file=file or sys.stderr)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: Done) -> None:
        """Show one more run."""
        self.left -= 1
        skipped = not done.run.reasons
        self.skipped += skipped
        self.ended += not skipped
        self.failed += not done.good
        if self.handle is not None:
            self.handle.update(_html(self))
            return
        self.bar.set_postfix_str(f"{self.failed} failed" if self.failed else "", refresh=False)
        if skipped:
            self.bar.total -= 1
            self.bar.refresh()
        else:
            self.bar.update()

    @property
    def remaining(self) -> float | None:
        """Seconds that are left if the other runs take as long as those that ended; None before one has."""
        return (time.monotonic() - self.start) / self.ended * self.left if self.ended else None

    def text(self) -> str:
        """Return the state in words."""
        whole = self.ended + self.left
        parts = [f"{self.ended} of {whole} runs ended"] if whole else ["nothing to run"]
        parts += [f"{self.failed} failed"] if self.failed else []
        parts += [f"{self.skipped} unchanged"] if self.skipped else []
        if self.left and self.remaining is not None:
            parts.append(f"about {spoken(self.remaining)} left")
        return ", ".join(parts)


def spoken(seconds: float) -> str:
    """Return a time in words: ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def _display() -> Any:
    """Return what can be shown anew in the notebook in which this runs; None outside one."""
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    if getattr(shell, "kernel", None) is None:
        return None
    from IPython.display import HTML, display

    return display(HTML("starting"), display_id=True)


def _html(progress: Progress) -> Any:
    from IPython.display import HTML

    seen = progress.ended + progress.skipped
    whole = seen + progress.left
    return HTML(f'<progress value="{seen}" max="{whole}" aria-label="runs"></progress> <span>{progress.text()}</span>')
