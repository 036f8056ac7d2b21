"""The files of the repository as git knows them, parsed once."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("shared/", "services/", "deploy/")


@cache
def tracked() -> tuple[str, ...]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(name for name in listed.split("\0") if name and (ROOT / name).is_file())


@cache
def python_files(*beginnings: str) -> tuple[str, ...]:
    return tuple(name for name in tracked() if name.endswith(".py") and name.startswith(beginnings or ""))


@cache
def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(text(name), filename=name)


@cache
def nodes(name: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree(name)))


@cache
def strings(name: str) -> frozenset[str]:
    """Return every string of a module but those that stand alone, which are its documentation."""
    alone = {id(node.value) for node in nodes(name) if isinstance(node, ast.Expr)}
    return frozenset(
        node.value
        for node in nodes(name)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    )
