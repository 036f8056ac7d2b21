"""``truenorth quarantine``."""

import click


@click.group()
def quarantine() -> None:
    """Not built yet."""
