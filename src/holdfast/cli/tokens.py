"""`holdfast tokens …`: API tokens, created in the store on the machine itself, so that the first one can be made."""

import typer

tokens = typer.Typer(no_args_is_help=True, help="Create, list and revoke API tokens.", rich_markup_mode=None)
