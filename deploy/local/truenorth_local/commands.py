"""`truenorth up`, `down`, `reset`, `status` and `demo`."""

import os
import subprocess
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from truenorth.clock import SystemClock
from truenorth.errors import MissingError

from truenorth_local import control, jars, show
from truenorth_local.leftovers import Identity
from truenorth_local.places import Places, Ports, cache_directory, checkout
from truenorth_local.status import inspect
from truenorth_local.supervisor import BOOK

DATA = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="TRUENORTH_DATA",
    help="Where the stack keeps its data and logs; .truenorth in the checkout unless told.",
)


def _places(data: Path | None) -> Places:
    return Places((data or checkout() / ".truenorth").resolve())


@click.command()
@DATA
def up(data: Path | None) -> None:
    """Start the whole platform on this machine and wait until it is ready."""
    _up(_places(data), Console(stderr=False))


def _up(places: Places, console: Console) -> None:
    clock = SystemClock()
    control.wait_stopped(places, clock)
    before = control.running(places)
    if before is not None:
        supervisor: Identity = before.supervisor
        console.print("It runs already.")
    else:
        _prepare(places, console)
        supervisor = control.start(places, os.environ)
    begun = clock.monotonic()
    steps = show.Steps(console)
    try:
        status = control.wait_ready(places, supervisor, clock, steps.say)
    finally:
        steps.end()
    if before is None:
        console.print(f"Everything is ready after {clock.monotonic() - begun:.0f} s.", highlight=False)
    show.places(console, places, status)


def _prepare(places: Places, console: Console) -> None:
    control.check_start(places, Ports.from_environment(os.environ), os.environ)
    cache = cache_directory(os.environ)
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or not jars.missing(cache):
        return
    jars.check_room(cache)
    with show.download(console) as progress:
        jars.fetch(cache, os.environ, progress)


@click.command()
@DATA
def down(data: Path | None) -> None:
    """Stop everything; the data stay for the next `up`."""
    places = _places(data)
    ran = control.stop(places, SystemClock())
    click.echo(f"Stopped; the data stay in {places.root}." if ran else "Nothing runs.")


@click.command()
@DATA
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(data: Path | None, yes: bool) -> None:  # noqa: FBT001 - click passes by name
    """Stop everything and remove all its data."""
    places = _places(data)
    if not places.root.exists():
        click.echo("There is nothing to remove.")
        return
    if not yes:
        click.confirm(f"Remove everything in {places.root}?", abort=True)
    control.stop(places, SystemClock())
    control.wipe(places)
    click.echo(f"Removed {places.root}.")
    for setting in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"):
        if os.environ.get(setting):
            click.echo(f"What is at {setting} is yours and was left as it is.")


@click.command()
@DATA
@click.option("--json", "as_json", is_flag=True, help="Print the state as JSON.")
def status(data: Path | None, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Show every part with its state and address; exits 1 unless all are ready."""
    found = inspect(_places(data))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        console = Console()
        if found.doing:
            console.print(f"{found.phase}: {found.doing}", highlight=False)
        show.parts(console, found)
        if found.error:
            console.print(f"The last start failed: {found.error}", highlight=False, soft_wrap=True)
    sys.exit(0 if found.ready else 1)


@click.command()
@DATA
def demo(data: Path | None) -> None:
    """Start the platform, load a simulated book of business, and keep traffic coming."""
    places = _places(data)
    console = Console()
    _up(places, console)
    if not places.wants_traffic.exists():
        _load_book(places, console)
        places.wants_traffic.touch()
    address = next(part.address for part in inspect(places).parts if part.name == "console")
    console.print(f"The demo is at {address}; live traffic goes on until `make down`.", highlight=False)
    show.demo(console, address, places)


def _load_book(places: Places, console: Console) -> None:
    console.print("Loading a simulated book of business:", highlight=False)
    addresses = {part.name: part.address for part in inspect(places).parts}
    settings = os.environ | {
        "TRUENORTH_INGEST_URL": addresses["ingest"],
        "TRUENORTH_WRITE_KEY": places.write_key.read_text("utf-8"),
    }
    words = ["simulate", *BOOK, "--history", "--actions-to", addresses["kafka"]]
    command = [sys.executable, "-m", "truenorth.commands.main", *words]
    loaded = subprocess.run(command, env=settings, check=False)  # noqa: S603
    if loaded.returncode:
        raise MissingError("The simulated book could not be loaded; the sentence above says why. The platform runs.")
