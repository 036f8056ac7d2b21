"""`make`: what it lists, and the sentences it says before anything is installed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = {"setup", "up", "down", "reset", "demo", "test", "test-browser", "check", "bench", "fmt", "lint", "types"}


def _make(folder: Path, *words: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, "HOME": str(folder)}
    make = shutil.which("make")
    assert make is not None
    return subprocess.run([make, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _python_that(folder: Path, script: str) -> str:
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    return str(python)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("pyproject.toml", "requirements.txt", "shared/pyproject.toml", "deploy/local/pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_make_alone_lists_every_target_with_what_it_does() -> None:
    listed = re.findall(r"^  make (\S+) +(\S.*)$", _make(ROOT).stdout, re.MULTILINE)
    assert {name for name, _ in listed} >= TARGETS
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert {name for name, _ in listed} == set(phony.group(1).split())


def test_an_old_python_is_one_sentence(clone: Path) -> None:
    old = _python_that(clone, 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    said = _make(clone, "setup", f"PYTHON={old}")
    assert said.returncode != 0
    assert said.stderr.startswith("truenorth needs Python 3.11 or later; this is Python 3.9.2: run make with PYTHON=")
    assert not (clone / ".venv").exists()


def test_a_python_without_venv_is_one_sentence(clone: Path) -> None:
    bare = _python_that(clone, 'case "$2" in *version_info*) exit 0;; *) exit 1;; esac')
    (clone / "bin").mkdir()
    (clone / "bin" / "sh").symlink_to("/bin/sh")
    said = _make(clone, "setup", f"PYTHON={bare}", path=str(clone / "bin"))
    assert said.returncode != 0
    assert said.stderr.startswith("This Python has no venv or pip: install them")
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("target", ["down", "status"])
def test_stopping_and_looking_install_nothing_after_a_pull(clone: Path, target: str) -> None:
    truenorth = clone / ".venv" / "bin" / "truenorth"
    truenorth.parent.mkdir(parents=True)
    truenorth.write_text('#!/bin/sh\necho "said $1"\n')
    truenorth.chmod(0o755)
    (clone / "requirements.txt").touch()
    assert _make(clone, target, "PYTHON=false").stdout == f"said {target}\n"
