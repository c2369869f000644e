"""`holdfast config …`: what is in force, and why."""

import typer

from holdfast.cli.options import AsJson, ConfigFile, DataDir

config = typer.Typer(no_args_is_help=True, help="Show the configuration in force.", rich_markup_mode=None)


@config.command()
def show(as_json: AsJson = False, config_file: ConfigFile = None, data_dir: DataDir = None) -> None:
    """Show each value and where it came from. Secrets print as ***.

    \b
    Examples:
      holdfast config show
      HOLDFAST_REGISTRATION=token holdfast config show --json
    """
    import os

    import msgspec

    from holdfast.cli import screen
    from holdfast.config import load

    effective = load({"config": config_file, "data_dir": data_dir}, environ=os.environ)
    if as_json:
        screen.print_json(
            {v.key: {"value": msgspec.to_builtins(v.value), "source": v.source} for v in effective.values}
        )
        return
    screen.print_table(
        ("key", "value", "source"),
        ((value.key, screen.plain(value.value), value.source) for value in effective.values),
        breakable=("value",),
    )
