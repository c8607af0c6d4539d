"""Finding and opening subjects: entry points of the group ``headstage.subjects``."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points

from rig.errors import HeadstageError, SubjectError
from rig.subject import Subject, SubjectPlugin

GROUP = "headstage.subjects"


@dataclass(frozen=True)
class BrokenPlugin:
    """An entry point that could not be loaded, and why."""

    name: str
    reason: str


def installed_plugins() -> dict[str, SubjectPlugin | BrokenPlugin]:
    """Every installed plugin by name; one that fails to load does not hide the others."""
    plugins: dict[str, SubjectPlugin | BrokenPlugin] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        try:
            plugin = point.load()
        except Exception as error:  # a foreign package may fail in any way
            plugins[point.name] = BrokenPlugin(point.name, f"{type(error).__name__}: {error}")
            continue
        if isinstance(plugin, SubjectPlugin):
            plugins[point.name] = plugin
        else:
            plugins[point.name] = BrokenPlugin(point.name, f"{point.value} is no SubjectPlugin")
    return plugins


def find_plugin(name: str, *, installed_only: bool = True) -> SubjectPlugin:
    """A plugin by the name of its entry point, or by ``module:ATTRIBUTE`` where that is allowed.

    Parameters
    ----------
    installed_only : names that come from files must not import what they please: leave it on for them

    Raises
    ------
    SubjectError : there is none of this name, or it cannot be loaded.
    """
    if ":" in name and not installed_only:
        return _import_plugin(name)
    plugins = installed_plugins()
    plugin = plugins.get(name)
    if plugin is None:
        close = difflib.get_close_matches(name, plugins, n=1)
        hint = f"did you mean {close[0]}?" if close else "install the package that brings it"
        raise SubjectError(f"asked for subject {name!r}; installed are {', '.join(plugins) or 'none'}: {hint}")
    if isinstance(plugin, BrokenPlugin):
        raise SubjectError(f"asked for subject {name!r}; its plugin cannot be loaded ({plugin.reason}): reinstall it")
    return plugin


def _import_plugin(name: str) -> SubjectPlugin:
    module_name, _, attribute = name.partition(":")
    try:
        plugin = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise SubjectError(f"asked for subject {name!r}; it cannot be imported ({error})") from error
    if not isinstance(plugin, SubjectPlugin):
        raise SubjectError(f"asked for subject {name!r}; that is no SubjectPlugin")
    return plugin


def open_subject(name: str, options: Mapping[str, str] | None = None, *, installed_only: bool = True) -> Subject:
    """Open a subject. Options that it does not have are refused before anything is loaded.

    Raises
    ------
    SubjectError : unknown subject or option. AssetError : a file that it needs is missing. Whatever else goes wrong in
        a plugin becomes a SubjectError.
    """
    plugin = find_plugin(name, installed_only=installed_only)
    known = {o.name for o in plugin.options}
    given = dict(options or {})
    for key in given:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise SubjectError(
                f"asked for option {key!r} of {name}; it has {', '.join(sorted(known)) or 'no options'}{hint}"
            )
    try:
        return plugin.open(given)
    except HeadstageError:
        raise
    except Exception as error:
        raise SubjectError(f"subject {name!r} cannot be opened ({type(error).__name__}: {error})") from error
