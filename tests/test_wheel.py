"""The wheel holds what the code needs, and finds it where no checkout is near."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.helpers import ROOT, environment


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the content of a wheel that was just built."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "--quiet", "-w", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("tripletgen-*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.mark.parametrize(
    "name",
    [
        "tripletgen/py.typed",
        "tripletgen/assets/prompts/README.md",
        "tripletgen/assets/data_cards/card.md",
        "tripletgen/captions/embedded/animals.txt",
        "tripletgen/lexicon/nouns.yaml",
        "tripletgen/lexicon/seen.json",
        "tripletgen/lexicon/profanity.txt",
        "tripletgen/edits/wordings.yaml",
        "tripletgen/report/page.html",
        "tripletgen/assets/data_cards/demo.md",
        "rtd_train/__init__.py",
        "rtd_train/scenes/clip/model.safetensors",
        "rtd_train/scenes/clip/merges.txt",
    ],
)
def test_the_wheel_holds(unpacked, name):
    assert (unpacked / name).is_file()


def test_the_wheel_holds_every_shipped_file_of_the_package(unpacked):
    for kind in ("*.py", "*.yaml", "*.txt", "*.json", "*.html", "*.css", "*.js"):
        for path in (ROOT / "tripletgen").rglob(kind):
            assert (unpacked / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_the_wheel_holds_no_tests_and_no_top_level_folder_of_its_own(unpacked):
    names = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert names == {"tripletgen", "rtd_train"}


def test_the_licence_is_in_the_metadata(unpacked):
    (info,) = unpacked.glob("*.dist-info")
    assert (info / "licenses/LICENSE").is_file()
    assert "License-Expression: Apache-2.0" in (info / "METADATA").read_text(encoding="utf-8")


def test_what_was_unpacked_finds_its_files_from_another_folder(unpacked, tmp_path):
    code = (
        "from tripletgen.assets import asset; import tripletgen\n"
        "print(tripletgen.__file__); print(asset('data_cards/card.md')); print(asset('prompts')); print(asset('captions/embedded'))"
    )
    env = environment(PYTHONPATH=str(unpacked))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        str(unpacked / name)
        for name in (
            "tripletgen/__init__.py",
            "tripletgen/assets/data_cards/card.md",
            "tripletgen/assets/prompts",
            "tripletgen/captions/embedded",
        )
    ]
