"""List the licences of what is installed, from the metadata of the packages: ``.venv/bin/python tools/licences.py``.

Written is ``docs/licences.md``; with ``--check`` nothing is written, and the exit status tells whether it would change. A package
whose licence is not found, or a strong copyleft or restricted licence in a default install, ends with an error.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "licences.md"
LEVELS = {
    "The default install (`requirements.lock`)": ("requirements.lock",),
    "Demonstrations and report card": ("requirements-generate.lock", "requirements-torch.lock", "requirements-weights.lock"),
    "Graphics cards (with PyTorch's public build for Linux)": ("requirements-cuda.lock",),
    "Cluster and tests": ("requirements-dev.lock",),
}
PERMISSIVE, WEAK, STRONG, RESTRICTED = "permissive", "weak copyleft", "strong copyleft", "restricted"
RANKS = (PERMISSIVE, WEAK, STRONG, RESTRICTED)
CLASSES = {
    PERMISSIVE: "0BSD AFL-2.1 Apache-2.0 BSD-2-Clause BSD-3-Clause BSD-3-Clause-Open-MPI BSL-1.0 CC0-1.0 CNRI-Python FTL IJG "
    "ISC LicenseRef-Public-Domain libpng-2.0 libtiff MIT MIT-0 MIT-CMU MIT-Modern-Variant MIT-open-group PSF-2.0 Unlicense Zlib",
    WEAK: "Artistic-1.0 EPL-2.0 LGPL-2.1 LGPL-2.1-or-later LGPL-3.0-or-later MPL-2.0 OFL-1.1",
    STRONG: "AGPL-3.0-only AGPL-3.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later",
    RESTRICTED: "BUSL-1.1 CC-BY-NC-4.0 Elastic-2.0 LicenseRef-NVIDIA-Proprietary SSPL-1.0",
}
"""SPDX identifiers; BSL-1.0 is Boost's, BUSL-1.1 the Business Source License."""

KNOWN = {name: rank for rank, names in CLASSES.items() for name in names.split()}
SAME = {
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "2-clause bsd": "BSD-2-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "mit license": "MIT",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "nvidia proprietary software": "LicenseRef-NVIDIA-Proprietary",
    "other/proprietary license": "LicenseRef-NVIDIA-Proprietary",
    "psfl": "PSF-2.0",
    "python software foundation license": "PSF-2.0",
}
"""What packages write in place of an SPDX identifier."""

WORDS = {
    "MIT": ("Permission is hereby granted, free of charge", "The MIT License (MIT)"),
    "BSD-3-Clause": ("Redistribution and use in source and binary forms", "Neither the name"),
    "BSD-2-Clause": ("Redistribution and use in source and binary forms",),
    "Apache-2.0": ("Apache License", "Version 2.0, January 2004"),
}
"""Words of licences, for packages that give only the text; of those of MIT one is enough, of others all are needed."""

READ = {
    "appnope": "BSD-2-Clause",
    "colorama": "BSD-3-Clause",
    "aiohappyeyeballs": "PSF-2.0",
    "aiohttp": "Apache-2.0 AND MIT",
    "aiosignal": "Apache-2.0",
    "frozenlist": "Apache-2.0",
    "multidict": "Apache-2.0",
    "overrides": "Apache-2.0",
    "propcache": "Apache-2.0",
    "pywinpty": "MIT",
    "yarl": "Apache-2.0",
    "cuda-bindings": "Apache-2.0",
    "cuda-pathfinder": "Apache-2.0",
    "nvidia-nvtx": "Apache-2.0",
    "triton": "MIT",
    "text-unidecode": "Artistic-1.0 OR GPL-2.0-or-later",
}
NVIDIA = (
    *("nvidia-cublas", "nvidia-cuda-cupti", "nvidia-cuda-nvrtc", "nvidia-cuda-runtime", "nvidia-cudnn-cu13", "nvidia-cufft"),
    *("nvidia-cufile", "nvidia-curand", "nvidia-cusolver", "nvidia-cusparse", "nvidia-cusparselt-cu13", "nvidia-nccl-cu13"),
    *("nvidia-nvjitlink", "nvidia-nvshmem-cu13"),
)
READ.update(dict.fromkeys(NVIDIA, "LicenseRef-NVIDIA-Proprietary"))
"""Read by hand in the metadata of the pinned wheel: for another system or version of Python, or put there in other words."""

REASONS = {
    "certifi": "a list of certificates; used unchanged, its own files alone are under the licence",
    "fqdn": "checks host names for the schemas of Jupyter's events; used unchanged",
    "tqdm": "progress of batches; used unchanged, its own files alone are under the licence",
    "fontpkg-arimo": "a font: fonts made from it keep the licence, what is drawn with it does not get it",
    "hypothesis": "for tests only",
    "pathspec": "for type checks only",
    "text-unidecode": "for tests only; the Artistic License is chosen",
}
"""Why a weak copyleft is acceptable, each named."""

BUNDLED = {
    "numpy": {
        "libgfortran": "GPL-3.0-or-later WITH GCC-exception-3.1",
        "libquadmath": "LGPL-2.1-or-later",
        "libscipy_openblas": "BSD-3-Clause",
    },
    "pillow": {
        "libXau": "MIT-open-group",
        "libavif": "BSD-2-Clause",
        "libbrotlicommon": "MIT",
        "libbrotlidec": "MIT",
        "libfreetype": "FTL OR GPL-2.0-or-later",
        "libharfbuzz": "MIT-Modern-Variant",
        "libjpeg": "IJG",
        "liblcms2": "MIT",
        "liblzma": "LicenseRef-Public-Domain",
        "libopenjp2": "BSD-2-Clause",
        "libpng16": "libpng-2.0",
        "libsharpyuv": "BSD-3-Clause",
        "libtiff": "libtiff",
        "libwebp": "BSD-3-Clause",
        "libwebpdemux": "BSD-3-Clause",
        "libwebpmux": "BSD-3-Clause",
        "libxcb": "MIT",
        "libzstd": "BSD-3-Clause",
    },
    "pyzmq": {"libsodium": "ISC", "libzmq": "MPL-2.0"},
    "lxml": {"libxml2, libxslt (linked in)": "MIT", "iconv (linked in)": "LGPL-2.1"},
}
"""Libraries in C that wheels of the default install bring along, as the licence files of these packages name them."""

BUNDLED["scipy"] = BUNDLED["numpy"]
NO_PACKAGES = {"cuda-toolkit": "names other packages, holds no code"}
HEAD = """# Licences of what is installed

Made by `tools/licences.py` from the metadata of the pinned packages; a test compares it with what is installed. This project is
under MIT (`LICENSE`), its data under CC BY 4.0 (`LICENSE-DATA`).

**No package of the default install is under a strong copyleft (GPL, AGPL), a business source or a non-commercial licence.** Those
under a weak copyleft, which asks something only of who changes the files themselves, are marked, each with the reason why it is
there. None of them is changed or copied into this project. What is not seen in the metadata, such as code within a package under
another licence than it names, is not seen here either.
"""


def normal(name: str) -> str:
    """Return the normal name of a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lock: str) -> dict[str, list[str]]:
    """Return the versions that a lock pins, by package: several where they depend on the version of Python."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / lock).read_text("utf-8"), re.MULTILINE):
        found.setdefault(normal(name), []).append(version)
    return found


def licence(name: str) -> str:
    """Return the SPDX expression of a package that is installed, or was read by hand; "" if it is not known.

    What the metadata say comes first: the expression, the old field, the classifier, the text of the licence.
    """
    if name in READ:
        return READ[name]
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return ""
    given = found.metadata
    classifiers = [one.split(" :: ")[-1] for one in given.get_all("Classifier") or [] if one.startswith("License")]
    for text in (given.get("License-Expression"), given.get("License"), *classifiers):
        spdx = SAME.get(str(text).lower().strip(), str(text).strip())
        if text and rank(spdx):
            return spdx
    return next((spdx for text in (str(given.get("License")), *_texts(found)) if (spdx := _recognized(text))), "")


def _texts(found: Distribution) -> Iterator[str]:
    for path in found.files or []:
        if re.search(r"dist-info/(.*/)?(LICEN[CS]E|COPYING)[^/]*$", str(path), re.IGNORECASE):
            yield path.read_text(encoding="utf-8")


def _recognized(text: str) -> str:
    words = " ".join(text.split())
    return next((spdx for spdx, parts in WORDS.items() if (any if spdx == "MIT" else all)(part in words for part in parts)), "")


def rank(expression: str) -> str:
    """Return the class of an SPDX expression: the worst of what AND joins, the best of what OR joins; "" if unknown.

    A GPL with the exception of GCC's libraries asks nothing of programs that use them, and counts as a weak copyleft.
    """
    worst = []
    for part in re.split(r"\s+AND\s+", expression.replace("(", "").replace(")", "")):
        choices = [_one(choice) for choice in re.split(r"\s+OR\s+", part)]
        known = [RANKS.index(choice) for choice in choices if choice]
        if not known:
            return ""
        worst.append(min(known))
    return RANKS[max(worst)]


def _one(text: str) -> str:
    name, _, exception = text.strip().partition(" WITH ")
    found = KNOWN.get(name, "")
    return WEAK if found == STRONG and exception.startswith("GCC-exception") else found


def libraries(name: str) -> set[str]:
    """Return the names of the libraries in C that the wheel of a package has brought along on this system."""
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return set()
    return {re.split(r"[-.]", path.name)[0].removesuffix("64_") for path in files if ".libs/" in str(path)}


def levels() -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Give each level with what it adds to those before."""
    before: set[str] = set()
    for title, locks in LEVELS.items():
        found = {name: versions for lock in locks for name, versions in pins(lock).items() if name not in before}
        before |= set(found)
        yield title, dict(sorted(found.items()))


def problems() -> list[str]:
    """Return what must not be, or is not known."""
    found = []
    for title, packages in levels():
        default = title.startswith("The default")
        for name in packages:
            spdx = licence(name)
            if name in NO_PACKAGES or (not spdx and not _installed(name) and not default):
                continue  # of another system: not to be seen from here
            kind = rank(spdx)
            if not kind:
                found.append(
                    f"{name}: the licence is not known ({spdx or 'nothing found'}) -> read it, and add it to tools/licences.py"
                )
            elif kind in (STRONG, RESTRICTED) and not title.startswith("Graphics"):
                found.append(f"{name}: {spdx} is a {kind} licence -> do without it")
            elif kind == WEAK and name not in REASONS:
                found.append(f"{name}: {spdx} is a weak copyleft -> give the reason in tools/licences.py, or do without it")
            if default and (more := libraries(name) - set(BUNDLED.get(name, {}))):
                found.append(
                    f"{name} brings along {', '.join(sorted(more))} -> read their licences, add them to tools/licences.py"
                )
    return found


def _installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False


def table() -> str:
    """Return the page."""
    parts = [HEAD]
    for title, packages in levels():
        rows = []
        for name, versions in packages.items():
            spdx = licence(name) or ("none" if name in NO_PACKAGES else "not read: for another system")
            kind = rank(spdx) or "-"
            note = REASONS.get(name, NO_PACKAGES.get(name, ""))
            rows.append(
                f"| {name} | {', '.join(sorted(set(versions)))} | {spdx} | {f'**{kind}**' if kind == WEAK else kind} | {note} |"
            )
        head = "| package | version | licence | class | why |\n| --- | --- | --- | --- | --- |"
        parts.append("\n".join([f"## {title}", "", f"{len(packages)} packages.", "", head, *rows]) + "\n")
        if title.startswith("The default"):
            parts.append(_bundled())
    return "\n".join(parts)


def _bundled() -> str:
    rows = [
        f"| {name} | {library} | {spdx} | {f'**{kind}**' if (kind := rank(spdx)) == WEAK else kind} |"
        for name, known in sorted(BUNDLED.items())
        for library, spdx in known.items()
    ]
    words = (
        "Wheels for Linux bring libraries in C along, under licences of their own, as the licence files of the packages tell.\n"
        "Those packages link them, not this project. GCC's exception leaves programs that use its libraries free; under the\n"
        "LGPL and the MPL a user may replace the library, which is a file of its own (`iconv` is not: it is linked into lxml)."
    )
    head = "| package | library | licence | class |\n| --- | --- | --- | --- |"
    return "\n".join(["### Libraries within packages", "", words, "", head, *rows]) + "\n"


def main() -> None:
    """Write the page, or compare it."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="compare, write nothing")
    options = arguments.parse_args()
    if found := problems():
        sys.exit("\n".join(f"licences: {line}" for line in found))
    text = table()
    if options.check:
        sys.exit(0 if TARGET.read_text("utf-8") == text else f"licences: {TARGET} is not current -> run tools/licences.py")
    TARGET.write_text(text, encoding="utf-8")
    print(f"licences: {TARGET}", file=sys.stderr)


if __name__ == "__main__":
    main()
