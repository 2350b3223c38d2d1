"""`lodeplan keys`: the commands and their options."""

from __future__ import annotations

import json
from typing import Annotated

import typer

app = typer.Typer(
    help="Make, list, revoke and rotate API keys, in the database that LODEPLAN_DATABASE_URL names.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="Id of a key, as `lodeplan keys list` shows it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output and nothing else.")]


# A command has a parameter for each of its options.
@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    tenant: Annotated[str, typer.Option(help="Whose jobs it is for; `local` has those from before log-in.")] = "local",
    scope: Annotated[str, typer.Option(help="read: see; submit: also jobs; admin: also keys.")] = "read",
    expires: Annotated[int, typer.Option(metavar="DAYS", help="Days until it expires, 3650 at most.")] = 365,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once and never again."""
    from lodeplan.service.cli.access import create_key

    _show_new(create_key(tenant, {"name": name, "scope": scope, "expires_days": expires}), as_json)


@app.command("list")
def list_keys(
    tenant: Annotated[str | None, typer.Option(help="Of this tenant only.")] = None, as_json: AsJson = False
) -> None:
    """List keys, newest first, without their secrets."""
    from lodeplan.service.cli.access import key_lines, list_keys

    found = list_keys(tenant)
    print(found.model_dump_json(indent=1) if as_json else "\n".join(key_lines(found)) or "There are no keys.")


@app.command()
def revoke(key_id: KeyId, as_json: AsJson = False) -> None:
    """End a key, and the sessions opened with it."""
    from lodeplan.service.cli.access import revoke_key

    revoke_key(key_id)
    print(json.dumps({"revoked": key_id}) if as_json else f"Key {key_id} holds no longer.")


@app.command()
def rotate(
    key_id: KeyId,
    grace: Annotated[float, typer.Option(metavar="HOURS", min=0, max=720, help="How long the old key holds.")] = 24,
    as_json: AsJson = False,
) -> None:
    """Make a key that does the same, and end the old one after a while."""
    from lodeplan.service.cli.access import rotate_key

    _show_new(rotate_key(key_id, grace), as_json)


def _show_new(made: object, as_json: bool) -> None:
    from lodeplan.schemas.access import NewKey

    assert isinstance(made, NewKey)
    if as_json:
        print(made.model_dump_json(indent=1))
        return
    typer.echo(f"Key {made.id} of tenant {made.tenant}, scope {made.scope}. It is shown this once:", err=True)
    print(made.key)
