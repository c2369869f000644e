"""`holdfast enrolment …`: tokens that let agents register."""

import typer

enrolment = typer.Typer(no_args_is_help=True, help="Create, list and revoke enrolment tokens.", rich_markup_mode=None)
