"""``fsbench ui``: browse runs in MLflow's own pages."""

from typing import Annotated

import typer

from fewshot_bench.cli import options
from fewshot_bench.cli.printing import print_line


def ui(
    tracking_uri: options.TrackingUri = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="Experiment to open on.", show_default="that of the newest run"),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this one expose all runs.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5000,
) -> None:
    """Start MLflow's pages on this machine and say where; Ctrl-C ends them."""
    from fewshot_bench.tracking.pages import LOCAL, address_of, check_pages, pages
    from fewshot_bench.tracking.store import chosen_uri
    from fewshot_bench.tracking.views import table_address

    uri = chosen_uri(tracking_uri)
    check_pages(uri, host, port)
    if host not in LOCAL:
        print_line(
            f"warning: everyone who reaches {host} can read, change and delete all runs and "
            "files of this store",
            err=True,
        )
    try:
        with pages(uri, host, port) as server:
            table = table_address(address_of(host, port), experiment)
            print_line(f"MLflow is at {table} (Ctrl-C ends it)")
            server.wait()
    except KeyboardInterrupt:
        typer.echo("\nended")
