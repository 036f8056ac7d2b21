"""The same fold on Kafka Streams, where there is a Java compiler on the path: fetched, compiled, and its command."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from truenorth_local import jars
from truenorth_local.places import cache_directory

SOURCE = Path(__file__).parents[1] / "java" / "CountingStreams.java"
LOCK = Path(__file__).parents[1] / "java" / "kafka-streams.lock"
COMPILE_SECONDS_MAX = 120


def is_there() -> bool:
    """Say whether Java programs can be compiled and run here."""
    return all(shutil.which(tool) for tool in ("java", "javac"))


def class_path(environment: Mapping[str, str], folder: Path) -> str:
    """Return the class path of the compiled program; its one jar beside the broker's is fetched and checked."""
    locked = [jars._parsed(line) for line in LOCK.read_text().splitlines() if line and not line.startswith("#")]
    folder.mkdir(parents=True, exist_ok=True)
    staging = folder / "fetched"
    staging.mkdir()
    jars._fetch_all(locked, staging, folder, environment, lambda _done, _total: None)
    classes = ":".join(
        [*(str(folder / jar.file_name) for jar in locked), jars.class_path(cache_directory(environment))]
    )
    command = ["javac", "-nowarn", "-d", str(folder), "-cp", classes, str(SOURCE)]
    subprocess.run(command, check=True, timeout=COMPILE_SECONDS_MAX)
    return f"{folder}:{classes}"


def command(
    classes: str, bootstrap: str, source: str, name: str, events: int, folder: Path, guarantee: str
) -> list[str]:
    """Return the command line of one run; it prints JSON when it has seen so many events, and waits to be ended."""
    quiet = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    words = [bootstrap, source, name, str(events), str(folder), guarantee]
    return ["java", "-Xmx1g", quiet, "-cp", classes, "CountingStreams", *words]
