"""What is there is finished: nothing is put off, nothing is skipped, nothing is swallowed."""

import ast
import re

from tests.tidy.tree import nodes, python_files, text, tracked

PUT_OFF = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|X" + r"XX)\b")
SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def test_nothing_is_put_off() -> None:
    code = [
        name for name in tracked() if name.endswith((".py", ".md", ".yaml", ".toml", ".html", ".js", ".css", ".sh"))
    ]
    marked = [name for name in code if PUT_OFF.search(text(name)) and name != "docs/style.md"]
    assert marked == []


def test_no_test_is_skipped() -> None:
    skipped = {
        f"{name}:{node.lineno}"
        for name in python_files("tests/")
        for node in nodes(name)
        if isinstance(node, ast.Attribute) and node.attr in SKIPS and _is_pytest(node.value)
    }
    assert skipped == set()


def test_no_error_is_swallowed() -> None:
    swallowed = {
        f"{name}:{node.lineno}"
        for name in python_files("shared/", "services/", "deploy/")
        for node in nodes(name)
        if isinstance(node, ast.ExceptHandler) and _catches_all(node) and _does_nothing(node)
    }
    assert swallowed == set()


def _is_pytest(node: ast.expr) -> bool:
    return ast.unparse(node) in {"pytest", "pytest.mark"}


def _catches_all(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) in {"Exception", "BaseException"}


def _does_nothing(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(node, ast.Pass | ast.Continue) or _is_only_text(node) for node in handler.body)


def _is_only_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
