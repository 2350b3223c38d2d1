"""`lodeplan keys`: the commands and their options."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(
    help="Create, list, revoke and rotate API keys in the database of LODEPLAN_DATABASE_URL.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of a key, as `lodeplan keys list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print only one JSON object on standard output.")]


# A command has a parameter for each of its options.
@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Purpose of the key.")],
    tenant: Annotated[
        str, typer.Option(help="Tenant whose jobs it can access; `local` has the jobs from before log-in was used.")
    ] = "local",
    scope: Annotated[
        str, typer.Option(help="read: view everything; submit: also run jobs; admin: also manage keys.")
    ] = "read",
    expires: Annotated[int, typer.Option(metavar="DAYS", help="Days until it expires, 3650 at most.")] = 365,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it. It is shown only this once."""
    from lodeplan.service.cli.access import create_key

    _show_new(create_key(tenant, {"name": name, "scope": scope, "expires_days": expires}), as_json)


@app.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None, as_json: AsJson = False
) -> None:
    """List keys, newest first, without their secrets."""
    from lodeplan.service.cli.access import key_lines, list_keys

    found = list_keys(tenant)
    print(found.model_dump_json(indent=1) if as_json else "\n".join(key_lines(found)) or "There are no keys.")


@app.command()
def revoke(key_id: KeyId, as_json: AsJson = False) -> None:
    """Revoke a key and the sessions opened with it."""
    from lodeplan.service.cli.access import revoke_key

    revoke_key(key_id)
    print(json.dumps({"revoked": key_id}) if as_json else f"Key {key_id} is revoked.")


@app.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[
        float, typer.Option(metavar="HOURS", min=0, max=720, help="Time for which the old key stays valid.")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Create a key with the same rights; the old one expires after a grace period."""
    from lodeplan.service.cli.access import rotate_key

    _show_new(rotate_key(key_id, grace), as_json)


def _show_new(made: object, as_json: bool) -> None:
    from lodeplan.schemas.access import NewKey

    assert isinstance(made, NewKey)
    if as_json:
        print(made.model_dump_json(indent=1))
        return
    typer.echo(f"Key {made.id} of tenant {made.tenant}, scope {made.scope}. It is shown only this once:", err=True)
    print(made.key)
