"""No licence that asks more than it may: every package of the locks has a known one, and the page about them is current."""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from types import ModuleType

import pytest

from review import paths


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences_tool", paths.ROOT / "tools" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = loaded()


def present(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


LISTED = {
    name: versions
    for name, versions in tool.pins("requirements-dev.lock").items()
    if name not in tool.READ and name != "httpx2-jsfetch"
}
PINNED = sys.version_info[:2] == (3, 11) and all(
    present(name) and distribution(name).version in versions for name, versions in LISTED.items()
)
"""Whether what is installed is what the locks pin, for the version of Python that they were made for."""

everything = pytest.mark.skipif(not all(map(present, LISTED)), reason="packages of the locks are not installed")


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("MIT", tool.PERMISSIVE),
        ("BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0", tool.PERMISSIVE),
        ("Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND BSL-1.0", tool.PERMISSIVE),
        ("MIT OR GPL-3.0-or-later", tool.PERMISSIVE),
        ("MPL-2.0 AND MIT", tool.WEAK),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", tool.WEAK),
        ("GPL-3.0-or-later WITH Classpath-exception-2.0", tool.STRONG),
        ("MIT AND GPL-3.0-only", tool.STRONG),
        ("AGPL-3.0-or-later", tool.STRONG),
        ("BUSL-1.1", tool.RESTRICTED),
        ("SSPL-1.0 OR Elastic-2.0", tool.RESTRICTED),
        ("CC-BY-NC-4.0", tool.RESTRICTED),
        ("LicenseRef-Something", ""),
        ("MIT AND LicenseRef-Something", ""),
        ("GPL", ""),
        ("", ""),
    ],
)
def test_licences_are_ranked(expression: str, kind: str) -> None:
    assert tool.rank(expression) == kind


@everything
def test_nothing_is_installed_under_a_licence_that_is_unknown_or_asks_too_much() -> None:
    assert tool.problems() == []


@everything
@pytest.mark.parametrize("name", sorted(tool.pins("requirements.lock")))
def test_every_package_of_the_default_install_has_a_licence_that_asks_little(name: str) -> None:
    kind = tool.rank(tool.licence(name))
    assert kind == tool.PERMISSIVE or (kind == tool.WEAK and tool.REASONS[name])


@everything
@pytest.mark.parametrize(
    ("name", "spdx", "said"),
    [
        ("plotly", "GPL-3.0-only", "plotly: GPL-3.0-only is a strong copyleft licence -> do without it"),
        ("plotly", "BUSL-1.1", "plotly: BUSL-1.1 is a restricted licence -> do without it"),
        ("plotly", "EPL-2.0", "plotly: EPL-2.0 is a weak copyleft -> give the reason"),
        ("plotly", "", "plotly: the licence is not known"),
        ("plotly", "Homemade", "plotly: the licence is not known"),
        ("pytest", "AGPL-3.0-only", "pytest: AGPL-3.0-only is a strong copyleft licence"),
    ],
)
def test_a_licence_that_asks_too_much_is_found(monkeypatch: pytest.MonkeyPatch, name: str, spdx: str, said: str) -> None:
    real = tool.licence
    monkeypatch.setattr(tool, "licence", lambda asked: spdx if asked == name else real(asked))
    (problem,) = tool.problems()
    assert problem.startswith(said)


@everything
def test_a_library_that_a_package_newly_brings_along_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "libraries", lambda name: {"libreadline"} if name == "numpy" else set())
    (problem,) = tool.problems()
    assert problem.startswith("numpy brings along libreadline -> read their licences")


def test_a_text_of_a_licence_is_recognized() -> None:
    mit = "Copyright X\n\nPermission is hereby granted, free of\ncharge, to any person"
    assert tool._recognized(mit) == "MIT"
    bsd = "Redistribution and use in source and\n binary forms, with or without"
    assert tool._recognized(bsd) == "BSD-2-Clause"
    assert tool._recognized(f"{bsd} ... Neither the name of X") == "BSD-3-Clause"
    assert tool._recognized("All rights reserved") == ""


def test_the_page_lists_every_package_of_every_lock() -> None:
    text = tool.TARGET.read_text("utf-8")
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \| [0-9]", text, re.MULTILINE))
    assert listed == {name for lock in paths.ROOT.glob("requirements*.lock") for name in tool.pins(lock.name)} - (
        {"torch"} - listed
    )
    for name, versions in tool.pins("requirements.lock").items():
        assert f"| {name} | {', '.join(sorted(set(versions)))} |" in text


@pytest.mark.skipif(not PINNED, reason="other versions are installed than those of the locks")
def test_the_page_is_current() -> None:
    assert tool.TARGET.read_text("utf-8") == tool.table(), "run: .venv/bin/python tools/licences.py"
