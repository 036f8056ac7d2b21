"""Which clocks and sources of chance a module asks, whatever names it imported them under."""

import ast
from collections.abc import Iterator, Sequence

CLOCKS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.monotonic_ns",
    "time.localtime",
    "time.gmtime",
}
CHANCE = {"uuid.uuid1", "uuid.uuid4", "os.urandom"}
CHANCE_MODULES = ("random.", "secrets.")
HARMLESS = {"secrets.compare_digest"}


def banned_calls(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    """Yield line and full name of every use, called or passed on; ``random.Random(seed)`` is none."""
    names = _imported(nodes)
    seeded = {id(node.func) for node in nodes if isinstance(node, ast.Call) and (node.args or node.keywords)}
    for node in nodes:
        if not isinstance(node, ast.Attribute | ast.Name):
            continue
        full = _full(node, names)
        if full == "random.Random" and (id(node) in seeded or not _is_called(node, nodes)):
            continue  # a seeded generator, or its name in an annotation
        if full not in HARMLESS and (full in CLOCKS | CHANCE or full.startswith(CHANCE_MODULES)):
            yield node.lineno, full


def _is_called(node: ast.expr, nodes: Sequence[ast.AST]) -> bool:
    return any(isinstance(call, ast.Call) and call.func is node for call in nodes)


def _imported(nodes: Sequence[ast.AST]) -> dict[str, str]:
    """Return local name -> full name of everything imported."""
    names: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _full(node: ast.expr, names: dict[str, str]) -> str:
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = _full(node.value, names)
        return f"{base}.{node.attr}" if base else ""
    return ""
