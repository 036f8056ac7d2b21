"""The public record names no place that only one machine, or one company's network, can reach."""

import re

import pytest

from tests.tidy.tree import text, tracked

_HOSTS = (
    ("py" + "pi", "org"),
    ("files", "python" + "hosted", "org"),
    ("repo1", "ma" + "ven", "org"),
    ("repo", "ma" + "ven", "apache", "org"),
    ("registry", "npm" + "js", "org"),
    ("registry", "yarn" + "pkg", "com"),
    ("deb", "deb" + "ian", "org"),
    ("security", "deb" + "ian", "org"),
    ("archive", "ubu" + "ntu", "com"),
    ("static", "cra" + "tes", "io"),
    ("proxy", "go" + "lang", "org"),
    ("archive", "apa" + "che", "org"),
    ("downloads", "apa" + "che", "org"),
    ("dlcdn", "apa" + "che", "org"),
    ("conda", "ana" + "conda", "org"),
)
HOSTS = re.compile("|".join(r"\.".join(parts) for parts in _HOSTS))
MACHINE = re.compile(r"(?<![\w.<}\-])/(?:work|root|home/\w+|Users/\w+)(?:/|\b)")


def test_no_file_names_a_download_host() -> None:
    named = [name for name in tracked() if HOSTS.search(text(name))]
    assert named == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    named = {f"{name}: {found.group()}" for name in tracked() for found in [MACHINE.search(text(name))] if found}
    assert named == set()


def test_lock_files_that_write_addresses_stay_out() -> None:
    names = {name.rpartition("/")[2] for name in tracked()}
    assert names.isdisjoint({"uv.lock", "pylock.toml", "package-lock.json", "yarn.lock", "poetry.lock", "Pipfile.lock"})


def test_no_file_is_of_a_kind_that_cannot_be_read_in_a_review() -> None:
    kinds = {".pyc", ".so", ".zip", ".jar", ".gz", ".whl", ".db", ".log"}
    assert [name for name in tracked() if any(name.endswith(kind) for kind in kinds)] == []


@pytest.mark.parametrize("line", ["see /ro" + "ot/x", "'/ho" + "me/ana/x'", "/wo" + "rk/main"])
def test_the_check_sees_a_place(line: str) -> None:
    assert MACHINE.search(line)


@pytest.mark.parametrize("line", ["GET /v1/network/x", "tests/e2e/root/x", "https://example.com/home/ana"])
def test_the_check_lets_addresses_be(line: str) -> None:
    assert not MACHINE.search(line)
