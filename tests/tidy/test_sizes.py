"""Modules and functions stay readable at one sitting."""

import ast

from tests.tidy.tree import nodes, python_files, text

MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
TABLES = ("/migrations/versions/",)
"""Written once, run once: a migration is as long as the tables it makes."""


def test_no_module_is_longer_than_its_limit() -> None:
    sizes = {name: text(name).count("\n") for name in python_files()}
    assert {name: lines for name, lines in sizes.items() if lines > MODULE_LINES_MAX} == {}


def test_no_function_is_longer_than_its_limit() -> None:
    long = {
        f"{name}:{node.lineno}: {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name in python_files()
        if not any(table in name for table in TABLES)
        for node in nodes(name)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {where: lines for where, lines in long.items() if lines > FUNCTION_LINES_MAX} == {}


def test_every_folder_of_python_is_a_package() -> None:
    files = python_files()
    alone = ("/versions/", "examples/")  # an example is copied, not imported
    folders = {name.rpartition("/")[0] for name in files if not any(place in name for place in alone)}
    missing = {folder for folder in folders if folder and f"{folder}/__init__.py" not in files}
    assert missing == set()
