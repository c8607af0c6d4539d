"""``headstage subjects`` and ``headstage install``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli.text import print_json, print_table
from rig.errors import AssetError
from rig.registry import BrokenPlugin, installed_plugins
from rig.subject import Asset, SubjectPlugin

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def list_subjects(as_json: Json = False) -> None:
    """List the subjects that can be put on the rig, with their options.

    \b
    Examples:
      headstage subjects
      headstage subjects --json
    """
    plugins = installed_plugins()
    if as_json:
        print_json([_facts(p) for p in plugins.values()])
        return
    for plugin in plugins.values():
        if isinstance(plugin, BrokenPlugin):
            typer.secho(plugin.name, bold=True, nl=False)
            typer.echo(f"  cannot be loaded: {plugin.reason}")
            continue
        typer.secho(plugin.name, bold=True, nl=False)
        typer.echo(f"  {plugin.summary}")
        rows = [(f"  --set {o.name}=", o.default or "—", o.description) for o in plugin.options]
        rows += [
            (
                f"  headstage install {a.name}",
                "",
                f"{'installed: ' if a.is_installed() else ''}{a.summary} ({a.licence})",
            )
            for a in plugin.assets
        ]
        if rows:
            print_table(("  option", "default", ""), rows)
        typer.echo()


def install(
    name: Annotated[str, typer.Argument(help="What to install, such as mos6502.", metavar="NAME")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Take it from this folder or file instead of downloading.", metavar="DIR"),
    ] = None,
) -> None:
    """Fetch files that a subject needs and that Headstage may not ship. Checked by SHA-256.

    \b
    Examples:
      headstage install mos6502
      headstage install mos6502 --from ~/visual6502
      headstage install smollm2
      headstage install hf:Qwen/Qwen2.5-0.5B
    """
    assets = _assets()
    asset = assets.get(name) or next((a for p in _plugins() if (a := p.find_asset(name)) is not None), None)
    if asset is None:
        raise AssetError(f"asked to install {name!r}; there is {', '.join(sorted(assets)) or 'nothing to install'}")
    folder = asset.install(source, typer.echo)
    typer.echo(f"{name} is installed in {folder}")


def _assets() -> dict[str, Asset]:
    return {a.name: a for p in _plugins() for a in p.assets}


def _plugins() -> list[SubjectPlugin]:
    return [p for p in installed_plugins().values() if isinstance(p, SubjectPlugin)]


def _facts(plugin: SubjectPlugin | BrokenPlugin) -> dict[str, object]:
    if isinstance(plugin, BrokenPlugin):
        return {"name": plugin.name, "broken": plugin.reason}
    return {
        "name": plugin.name,
        "summary": plugin.summary,
        "options": [{"name": o.name, "default": o.default, "description": o.description} for o in plugin.options],
        "assets": [
            {"name": a.name, "summary": a.summary, "licence": a.licence, "installed": a.is_installed()}
            for a in plugin.assets
        ],
    }
