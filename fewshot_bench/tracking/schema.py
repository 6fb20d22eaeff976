"""Whether a database is a store of the installed MLflow, which would change any other."""

from pathlib import Path

from fewshot_bench.tracking.store import TrackingError, one_line, store_name

_TABLE = "alembic_version"  # where MLflow's migrations note how far they came


def require_current(uri: str) -> None:
    """Refuse a database of another version of MLflow, or of another program.

    MLflow itself migrates an older one whenever it opens it, which cannot be undone.

    Args:
        uri: of a database that is there.

    Raises:
        TrackingError: what to do about it.
    """
    with one_line(uri):
        revision = _revision(uri)
    if revision is None or revision in _newest():
        return
    name = store_name(uri)
    raise TrackingError(
        f"the tracking store {name} was made by another version of MLflow ({revision}), and merely "
        f"opening it might change it for good; keep a copy and run 'mlflow db upgrade {name}', "
        "or choose another with --tracking-uri"
    )


def _revision(uri: str) -> str | None:
    """How far the migrations of a database came; None if it is empty."""
    from sqlalchemy import create_engine, inspect, text

    engine = create_engine(uri)
    try:
        tables = inspect(engine).get_table_names()
        if _TABLE in tables:
            with engine.connect() as connection:
                found = connection.execute(text(f"SELECT version_num FROM {_TABLE}")).scalar()
            return str(found)
    finally:
        engine.dispose()
    if tables:
        raise TrackingError(
            f"the database {store_name(uri)} is another program's: it has no tables of MLflow; "
            "choose another with --tracking-uri"
        )
    return None


def _newest() -> tuple[str, ...]:
    """How far the migrations of the installed MLflow go."""
    import mlflow
    from alembic.script import ScriptDirectory

    migrations = Path(mlflow.__file__).parent / "store" / "db_migrations"
    return tuple(ScriptDirectory(str(migrations)).get_heads())
