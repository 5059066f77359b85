"""One short family of errors; every one of them says what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with one input file.

    Attributes
    ----------
    file : str
        The file's path as the user gave it.
    line : int or None
        The line, counted from 1; None where the problem has no line.
    key : str or None
        The citation key, column or field concerned.
    message : str
        What is wrong.
    remedy : str
        What to do about it.
    """

    file: str
    line: int | None
    key: str | None
    message: str
    remedy: str

    def __lt__(self, other: Problem) -> bool:
        return self._rank < other._rank

    @property
    def _rank(self) -> tuple[str, int, str, str, str]:
        """By file, then line, problems without a line first."""
        return self.file, self.line or 0, self.key or "", self.message, self.remedy

    def __str__(self) -> str:
        """Return it on one line, whatever the input holds: nothing in a file may look like another problem."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f" [{self.key}]" if self.key else ""
        return printable(f"{place}:{subject} {self.message} -> {self.remedy}")


SHOWN = 200
"""Problems that the text of an error lists; :attr:`InputError.problems` has all of them."""


def printable(text: str, keep: str = "") -> str:
    """Return text whose control characters, but those to keep, are written out: in a terminal they could hide a part of it."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in keep else repr(sign)[1:-1] for sign in text)


HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, which no file can hold; bytes of a name or of the command line that are no text are such, too."""


def is_text(text: str) -> bool:
    """Tell whether there are only whole characters in a text."""
    return not HALF.search(text)


REMEDIES = {
    errno.ENOSPC: "make room on the disk, then run the command again",
    errno.EDQUOT: "make room within your quota, then run the command again",
    errno.EFBIG: "allow larger files (ulimit -f), then run the command again",
    errno.EROFS: "choose a folder that can be written to",
    errno.EACCES: "choose another folder, or ask for the right to use this one",
    errno.EPERM: "choose another folder, or ask for the right to use this one",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path: a part of it is a file",
    errno.EISDIR: "name a file",
    errno.EEXIST: "choose another name, or remove what is there",
    errno.ELOOP: "check the path: links in it lead to each other",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "allow more open files (ulimit -n), then run the command again",
    errno.ENFILE: "close other programs, then run the command again",
    errno.ENOMEM: "close other programs, then run the command again",
    errno.EIO: "check the disk, then run the command again",
}


def with_remedy(error: OSError | MemoryError) -> str:
    """Return in words what the system says, about which file, and what to do."""
    if isinstance(error, MemoryError):
        return f"there is not enough memory -> {REMEDIES[errno.ENOMEM]}, or ask for less"
    remedy = REMEDIES.get(error.errno or 0, "")
    if not remedy or not error.strerror:
        return str(error)
    place = f"{error.filename}: " if isinstance(error.filename, str) else ""
    return f"{place}{error.strerror} -> {remedy}"


@contextmanager
def naming(path: Path, *, keep: bool = False) -> Iterator[None]:
    """Let errors of the system within the block name a path: the one that the user knows.

    Parameters
    ----------
    path : Path
    keep : bool
        Whether an error that names a path already stays as it is.

    Raises
    ------
    OSError
        The same, with the path.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None or (keep and error.filename is not None):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


class ReviewError(Exception):
    """The base of every error that this package raises on purpose."""


class InputError(ReviewError):
    """Input files that cannot be used, with all their problems at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        noun = "problem" if len(self.problems) == 1 else "problems"
        lines = [f"  {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"  and {len(self.problems) - SHOWN:,} more -> mend these first")
        super().__init__("\n".join([f"{len(self.problems)} {noun} in the input", *lines]))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Problem, ...]]]:
        """Survive the way from a worker process back to its parent."""
        return type(self), (self.problems,)

    @classmethod
    def one(cls, file: object, message: str, remedy: str, key: str | None = None) -> InputError:
        """Return the error for a single problem without a line."""
        return cls([Problem(str(file), None, key, message, remedy)])


class FilterError(ReviewError):
    """A ``where`` expression that cannot be evaluated safely."""


class UnknownNameError(ReviewError):
    """A dimension, selection or version that the corpus does not have."""

    def __init__(self, what: str, name: str, known: Sequence[str]) -> None:
        self.what, self.name, self.known = what, name, tuple(known)
        choices = ", ".join(known) if known else "none"
        super().__init__(f"no {what} named {name!r} -> choose one of: {choices}")

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, tuple[str, ...]]]:
        """Survive the way from a worker process back to its parent."""
        return type(self), (self.what, self.name, self.known)


class InfeasibleError(ReviewError):
    """Targets that no selection of the studies can meet together."""


class RunError(ReviewError):
    """A notebook run that failed or did not keep its promises."""


class MissingExtraError(ReviewError):
    """A part of the package whose libraries are not installed."""

    def __init__(self, module: str, extra: str = "generate") -> None:
        self.module, self.extra = module, extra
        super().__init__(f"the module {module!r} is not installed -> run: make setup-generate (installs the extra {extra!r})")

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Survive the way from a worker process back to its parent."""
        return type(self), (self.module, self.extra)


class ModelError(ReviewError):
    """A language model that is missing, broken or not reachable, or an answer of it that cannot be used at all."""


class OptionError(ReviewError):
    """An option that a generator does not have, or a value that it cannot take."""
