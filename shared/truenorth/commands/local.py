"""What `truenorth up` leaves in its data folder, for commands that are told nothing else."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from truenorth.errors import MissingError
from truenorth.settings import Reader

FOLDER = ".truenorth"


def left_by_up(name: str, environment: Mapping[str, str]) -> str:
    """Return the text of a file of the local stack; empty when there is none.

    It lies in the folder that ``TRUENORTH_DATA`` names, else in ``.truenorth`` here, above, or in the checkout.
    """
    file = next((folder / name for folder in _folders(environment) if (folder / name).is_file()), None)
    return "" if file is None else file.read_text("utf-8").strip()


def has_database(environment: Mapping[str, str]) -> bool:
    """Return whether a database is set, so that the local stack's is not meant."""
    return any(environment.get(name, "").strip() for name in ("DATABASE_URL", "DATABASE_URL_FILE"))


def find_database_url(environment: Mapping[str, str]) -> str:
    """Return ``DATABASE_URL``, or the one that `truenorth up` left.

    Raises:
        MissingError: when there is neither.
        RefusedError: ``setting_invalid``, when what is set cannot be one.
    """
    left = "" if has_database(environment) else left_by_up("database-url", environment)
    if not left and not has_database(environment):
        raise MissingError(f"there is no database: set DATABASE_URL, or let make up leave {FOLDER}/database-url")
    read = Reader({**environment, "DATABASE_URL": left} if left else environment)
    url = read.database_url()
    read.finish()
    return url


def _folders(environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("TRUENORTH_DATA"):
        yield Path(environment["TRUENORTH_DATA"])
        return
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).resolve().parents[3]):
        yield folder / FOLDER
