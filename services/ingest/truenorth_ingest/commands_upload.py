"""``truenorth upload``."""

import click


@click.group()
def upload() -> None:
    """Not built yet."""
