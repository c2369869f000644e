"""The database URL as it is opened."""

from sqlalchemy.engine import make_url

from holdfast.config.model import Config
from holdfast.config.problems import misconfigured


def database_url(config: Config) -> str:
    """The URL with the password of `database_password_file` in it. The data directory exists afterwards.

    Raises:
        Misconfigured: the directory cannot be made, or the file cannot be read.
    """
    assert config.database_url is not None, "load fills it in"
    assert config.data_dir is not None, "load fills it in"
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if config.database_password_file is None:
            return config.database_url
        password = config.database_password_file.read_text("utf-8").strip()
    except OSError as error:
        raise misconfigured(
            "CFG-FILE",
            what=f"{error.filename} cannot be used",
            why=error.strerror or str(error),
            fix="Correct its path, or the owner and mode of what is there",
        ) from error
    return make_url(config.database_url).set(password=password).render_as_string(hide_password=False)
