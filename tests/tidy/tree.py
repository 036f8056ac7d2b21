"""The files of the repository as git knows them, parsed once."""

import ast
import subprocess
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("shared/", "services/", "deploy/")


@lru_cache
def tracked() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(name for name in listed.split("\0") if name and (ROOT / name).is_file())


@lru_cache
def python_files(*beginnings: str) -> tuple[str, ...]:
    return tuple(name for name in tracked() if name.endswith(".py") and name.startswith(beginnings or ""))


@lru_cache
def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


@lru_cache
def tree(name: str) -> ast.Module:
    return ast.parse(text(name), filename=name)


def strings(name: str) -> set[str]:
    """Return every string of a module but those that stand alone, which are its documentation."""
    module = tree(name)
    alone = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    }
