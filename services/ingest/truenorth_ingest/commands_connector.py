"""``truenorth connector``."""

import click


@click.group()
def connector() -> None:
    """Not built yet."""
