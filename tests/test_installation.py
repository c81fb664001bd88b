"""`make install` gives what the lock says, whatever newer releases its index offers."""

import ensurepip
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LOCKED = {"alpha": "1.0", "beta": "1.0", "gamma": "1.0"}
"""alpha asks for `beta[extra]==1.*` and beta's extra for gamma: what pip would resolve anew."""

OFFERED = {
    ("alpha", "1.0"): ["beta[extra]==1.*"],
    ("alpha", "1.1"): ["beta[extra]==1.*", "delta"],
    ("beta", "1.0"): ["gamma; extra == 'extra'"],
    ("beta", "1.9"): ["gamma; extra == 'extra'"],
    ("gamma", "1.0"): [],
    ("gamma", "7.0"): [],
    ("delta", "1.0"): [],
}

BUILD_BACKEND = '''
"""A project without anything to build, so that the installation alone is tried."""
import zipfile

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "heddle-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as wheel:
        info = "heddle-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", REQUIRES)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n"
                       "Generator: test\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name

REQUIRES = "Metadata-Version: 2.1\\nName: heddle\\nVersion: 1.0\\nRequires-Dist: alpha>=1.0\\n"
'''


@pytest.fixture(params=["bundled", "recent"])
def pip(request: pytest.FixtureRequest) -> list[str]:
    """The pip that Python brings, and the one of the development tools."""
    if request.param == "bundled":
        return []
    assert int(version("pip").split(".")[0]) >= 26
    return [f"PIP={shlex.quote(sys.executable)} -m pip --python .venv/bin/python"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The real Makefile beside a small lock and an index that has moved on, in an awkward place."""
    index = tmp_path / "index"
    index.mkdir()
    for (name, number), requires in OFFERED.items():
        _wheel(index, name, number, requires)
    place = tmp_path / "a place with spaces"
    place.mkdir()
    shutil.copy(ROOT / "Makefile", place)
    (place / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "building"\nbackend-path = ["."]\n'
        '[project]\nname = "heddle"\nversion = "1.0"\ndependencies = ["alpha>=1.0"]\n'
    )
    (place / "building.py").write_text(BUILD_BACKEND)
    (place / "requirements-dev.lock").touch()
    own = _pip_of_python(index)
    (place / "requirements-pip.lock").write_text(f"{own[0]}=={own[1]} \\\n    {_hash_of(own[2])}\n")
    _lock(place, index, LOCKED)
    return place


def test_what_is_installed_is_what_is_locked(checkout: Path, pip: list[str]) -> None:
    _make(checkout, *pip)
    assert _installed(checkout) == LOCKED


def test_only_another_lock_installs_again(checkout: Path) -> None:
    _make(checkout)
    os.utime(checkout / "requirements.lock", (1, 1))
    assert "Nothing to be done" in _make(checkout)
    os.utime(checkout / "requirements.lock")
    assert "Nothing to be done" in _make(checkout)

    newer = {"alpha": "1.0", "beta": "1.9", "gamma": "7.0"}
    _lock(checkout, checkout.parent / "index", newer)
    assert "Installing" in _make(checkout)
    assert _installed(checkout) == newer
    _lock(checkout, checkout.parent / "index", LOCKED)
    assert "Installing" in _make(checkout)
    assert _installed(checkout) == LOCKED


def test_a_package_that_the_new_lock_contradicts_is_cleared_away(checkout: Path) -> None:
    index = checkout.parent / "index"
    _wheel(index, "alpha", "0.5", ["gamma==1.0"])
    _wheel(index, "epsilon", "1.0", ["gamma==1.0"])
    _lock(checkout, index, {**LOCKED, "epsilon": "1.0"})
    _make(checkout)
    newer = {**LOCKED, "gamma": "7.0"}
    _lock(checkout, index, newer)
    assert "Starting over" in _make(checkout)
    assert _installed(checkout) == newer


def test_a_lock_that_leaves_something_out_fails_and_says_what(checkout: Path) -> None:
    _lock(checkout, checkout.parent / "index", {"alpha": "1.0", "gamma": "1.0"})
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _make(checkout)
    assert "beta" in caught.value.stdout
    assert "Installing" in _stopped_again(checkout)


def test_a_file_that_is_not_the_locked_one_is_refused(checkout: Path) -> None:
    _wheel(checkout.parent / "index", "gamma", "1.0", ["delta"])
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _make(checkout)
    assert "gamma" in caught.value.stdout


def _make(checkout: Path, *variables: str) -> str:
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "MAKE", "PYTHON", "MFLAGS"))
    }
    done = subprocess.run(
        ["make", "install", *variables],
        cwd=checkout,
        env=environment
        | {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": (checkout.parent / "index").as_uri(),
            "PIP_NO_CACHE_DIR": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def _stopped_again(checkout: Path) -> str:
    """What a second call says after a failed one: nothing counts as installed."""
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _make(checkout)
    return str(caught.value.stdout)


def _installed(checkout: Path) -> dict[str, str]:
    listed = subprocess.run(
        [
            checkout / ".venv/bin/python",
            "-c",
            "from importlib.metadata import distributions\n"
            "for d in distributions(): print(d.metadata['Name'], d.version)",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = dict(line.split() for line in listed.splitlines())
    return {name: found[name] for name in found if name not in ("pip", "setuptools", "heddle")}


def _lock(checkout: Path, index: Path, wanted: dict[str, str]) -> None:
    lines: list[str] = []
    for name, number in wanted.items():
        wheel = index / f"{name}-{number}-py3-none-any.whl"
        lines.append(f"{name}=={number} \\\n    {_hash_of(wheel)}")
    (checkout / "requirements.lock").write_text("\n".join(lines) + "\n")


def _hash_of(wheel: Path) -> str:
    return f"--hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def _pip_of_python(index: Path) -> tuple[str, str, Path]:
    """The pip that Python brings, offered by the index: its name, version and wheel."""
    bundled = Path(ensurepip.__file__).parent / "_bundled"
    (wheel,) = [*bundled.glob("pip-*.whl"), *Path("/usr/share/python-wheels").glob("pip-*.whl")][:1]
    shutil.copy(wheel, index)
    return "pip", wheel.name.split("-")[1], index / wheel.name


def _wheel(index: Path, name: str, number: str, requires: Iterable[str]) -> None:
    info = f"{name}-{number}.dist-info"
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {number}",
        "Provides-Extra: extra",
        *(f"Requires-Dist: {one}" for one in requires),
    ]
    with zipfile.ZipFile(index / f"{name}-{number}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        wheel.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nGenerator: test\nTag: py3-none-any\n",
        )
        wheel.writestr(f"{info}/RECORD", "")
