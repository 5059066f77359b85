"""Fixtures that several test files share: a tiny corpus about something else, copies of it to damage, and the real one."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from review import corpus
from review.corpus import Corpus

EXAMPLES = Path(__file__).parent / "examples"
TINY = EXAMPLES / "valid" / "tiny"

Damage = Callable[..., Path]

settings.register_profile(
    "patient", deadline=None
)  # on top of what it takes by itself where CI is set; a busy machine is no fault
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shuffle", metavar="SEED", help="files, and the tests of each, in an order that is drawn with this seed")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (seed := config.getoption("--shuffle")) is not None:
        draw = random.Random(seed)
        places = {path: draw.random() for path in dict.fromkeys(item.path for item in items)}
        items.sort(key=lambda item: (places[item.path], draw.random()))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A copy of the tiny corpus that a test may change."""
    return Path(shutil.copytree(TINY, tmp_path / "tiny"))


@pytest.fixture
def damage(tiny: Path) -> Damage:
    """``damage("coding.csv", old, new)`` replaces text in one file of the copy; ``damage("flow.csv")`` removes it."""

    def change(name: str, old: str | None = None, new: str = "") -> Path:
        path = tiny / name
        if old is None:
            path.unlink()
            return tiny
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_bytes(text.replace(old, new).encode())
        return tiny

    return change


@pytest.fixture(scope="session")
def small() -> Corpus:
    """The tiny corpus, loaded."""
    return corpus.load(TINY)


@pytest.fixture(scope="session")
def real() -> Corpus:
    """The project's own corpus."""
    return corpus.load()


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """A copy of a notebook that writes the number that it is given."""
    return Path(shutil.copy(EXAMPLES / "notebooks" / "keeps-its-promise.ipynb", tmp_path / "book.ipynb"))
