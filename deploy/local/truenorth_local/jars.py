"""Fetch Kafka's jars once: exactly those of ``kafka.lock``, each checked, into a cache outside the checkout."""

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from truenorth.errors import MissingError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

KAFKA_VERSION: Final = "4.1.0"
DOWNLOADS_AT_ONCE_MAX: Final = 6
TIMEOUT_S: Final = 30
ROOM_NEEDED_BYTES: Final = 1_000_000_000
MIRROR_SETTING: Final = "TRUENORTH_MAVEN_REPOSITORY"

Progress = Callable[[int, int], None]
"""Told the bytes that are there and the bytes there will be."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked jar."""

    group: str
    artifact: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def file_name(self) -> str:
        """The name in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def locked() -> tuple[Jar, ...]:
    """Return the jars of the lock file."""
    text = resources.files("truenorth_local").joinpath("kafka.lock").read_text("utf-8")
    return tuple(_parsed(line) for line in text.splitlines() if line and not line.startswith("#"))


def _parsed(line: str) -> Jar:
    where, sha256, size = line.split()
    group, artifact, version = where.split(":")
    return Jar(group, artifact, version, sha256, int(size))


def _folder(cache: Path) -> Path:
    return cache / f"kafka-{KAFKA_VERSION}"


def missing(cache: Path) -> list[Jar]:
    """Return the jars that are not in the cache; files get there only after they were checked."""
    folder = _folder(cache)

    def is_there(jar: Jar) -> bool:
        path = folder / jar.file_name
        return path.is_file() and path.stat().st_size == jar.size_bytes

    return [jar for jar in locked() if not is_there(jar)]


def class_path(cache: Path) -> str:
    """Return the class path of a cache that holds all jars."""
    return ":".join(str(_folder(cache) / jar.file_name) for jar in locked())


def fetch(cache: Path, environment: Mapping[str, str], progress: Progress) -> None:
    """Bring every locked jar into the cache; `MissingError` when a jar cannot be had or is not what was locked."""
    jars = missing(cache)
    if not jars:
        return
    folder = _folder(cache)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as staging:
            _fetch_all(jars, Path(staging), folder, environment, progress)
    except OSError as error:
        if isinstance(error, ConnectionError | TimeoutError) or error.errno is None:
            raise _unreachable(error) from error
        raise disk_sentence(folder, error) from error


def disk_sentence(folder: Path, error: OSError) -> MissingError:
    """Return the sentence for a file that could not be written under ``folder``."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return MissingError(f"The disk that holds {folder} is full; make room (1 GB is enough) and try again.")
    return MissingError(f"{folder} cannot be written ({error.strerror}); give your user the right to, and try again.")


def check_room(folder: Path) -> None:
    """Raise `MissingError` when the disk under ``folder`` has less than what a stack takes."""
    existing = next(place for place in (folder, *folder.resolve().parents) if place.exists())
    if shutil.disk_usage(existing).free < ROOM_NEEDED_BYTES:
        raise MissingError(f"The disk that holds {folder} is full; make room (1 GB is enough) and try again.")


def _unreachable(error: BaseException) -> MissingError:
    return MissingError(
        f"Apache Kafka {KAFKA_VERSION} could not be downloaded ({type(error).__name__}): check the network, set"
        f" {MIRROR_SETTING} to a Maven mirror, or set KAFKA_BOOTSTRAP_SERVERS to a broker of yours."
    )


def _fetch_all(
    jars: list[Jar], staging: Path, folder: Path, environment: Mapping[str, str], progress: Progress
) -> None:
    from jgo.maven import MavenContext  # heavy, and needed once per machine

    context = MavenContext(repo_cache=staging, timeout=TIMEOUT_S)
    if environment.get(MIRROR_SETTING):
        context = MavenContext(
            repo_cache=staging, timeout=TIMEOUT_S, remote_repos={"mirror": environment[MIRROR_SETTING]}
        )
    total = sum(jar.size_bytes for jar in jars)
    done = 0
    progress(0, total)
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE_MAX) as pool:
        for jar, path in pool.map(lambda jar: (jar, _fetch_one(context, jar)), jars):
            path.replace(folder / jar.file_name)
            done += jar.size_bytes
            progress(done, total)


def _fetch_one(context: "MavenContext", jar: Jar) -> Path:
    try:
        found = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo raises RuntimeError for "not found"
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise _unreachable(error) from error
    path = Path(found)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != jar.sha256:
        raise MissingError(
            f"{jar.file_name} as downloaded is not the file that was locked (SHA-256 {digest[:12]}… instead of"
            f" {jar.sha256[:12]}…); check what stands between you and the network, then try again."
        )
    return path
