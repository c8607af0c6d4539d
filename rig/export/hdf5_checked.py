"""Opening HDF5 files that somebody else may have made.

A file of this format can name other files (external and user-defined links, external and virtual storage), load code
to inflate its data (filter plugins) and hold what is no data (opaque bytes, references of the kind that may name a
file). None is needed here. Plain object references stay inside the file; NWB's tables are made of them.
"""

from __future__ import annotations

from pathlib import Path

import h5py
from h5py import h5a, h5d, h5g, h5l, h5t, h5z

from rig.errors import FormatError

MAX_DEPTH = 64
_FILTERS = {h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_SCALEOFFSET}


def open_checked(path: Path) -> h5py.File:
    """Open a file for reading after walking all of it without following a link out of it.

    Soft links are looked at last: then it is known that no link on their way leaves the file.

    Raises
    ------
    FormatError : the file is no HDF5 file, is damaged, or holds something that is refused; names it and says where.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        raise FormatError(f"{path.name} cannot be opened as HDF5 ({_first_line(error)})") from error
    try:
        _check_attributes(path.name, file.id, "/")
        soft_links: list[_SoftLink] = []
        _check_group(path.name, file.id, "", set(), soft_links)
        for link in soft_links:
            _check_soft_link(path.name, *link)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        file.close()
        raise FormatError(f"{path.name} is damaged ({_first_line(error)})") from error
    except FormatError:
        file.close()
        raise
    return file


_SoftLink = tuple[h5g.GroupID, bytes, str]


def _check_group(
    name: str, group: h5g.GroupID, where: str, seen: set[tuple[int, int]], soft_links: list[_SoftLink], depth: int = 0
) -> None:
    if depth > MAX_DEPTH:
        raise FormatError(f"{name}: groups are nested deeper than {MAX_DEPTH} at {where[:80]}; such a file is refused")
    links = group.links
    for key in group:
        here = f"{where}/{key.decode(errors='replace')}"
        kind = links.get_info(key).type
        if kind == h5l.TYPE_EXTERNAL:
            other = links.get_val(key)[0].decode(errors="replace")
            raise FormatError(f"{name}: {here} is a link to another file ({other}); such a file is refused")
        if kind == h5l.TYPE_SOFT:
            soft_links.append((group, key, here))
            continue
        if kind != h5l.TYPE_HARD:
            raise FormatError(f"{name}: {here} is a link of unknown type {kind}; such a file is refused")
        member = h5py.h5o.open(group, key)
        info = h5py.h5o.get_info(member)
        if (info.fileno, info.addr) in seen:
            continue
        seen.add((info.fileno, info.addr))
        _check_attributes(name, member, here)
        if isinstance(member, h5g.GroupID):
            _check_group(name, member, here, seen, soft_links, depth + 1)
        elif isinstance(member, h5d.DatasetID):
            _check_dataset(name, member, here)


def _check_soft_link(name: str, group: h5g.GroupID, key: bytes, here: str) -> None:
    target = group.links.get_val(key)
    try:
        found = h5py.h5o.exists_by_name(group, target)
    except (OSError, RuntimeError, KeyError, ValueError):  # a step on the way is missing, or the way is a circle
        found = False
    if not found:
        raise FormatError(f"{name}: {here} points to {target.decode(errors='replace')}, which is not in the file")


def _check_dataset(name: str, dataset: h5d.DatasetID, here: str) -> None:
    plist = dataset.get_create_plist()
    if plist.get_layout() == h5d.VIRTUAL:
        raise FormatError(f"{name}: {here} is made of other files' data (virtual); such a file is refused")
    if plist.get_layout() != h5d.CHUNKED and plist.get_external_count():
        other = plist.get_external(0)[0].decode(errors="replace")
        raise FormatError(f"{name}: {here} keeps its data in another file ({other}); such a file is refused")
    for i in range(plist.get_nfilters()):
        code = plist.get_filter(i)[0]
        if code not in _FILTERS:
            raise FormatError(f"{name}: {here} needs filter {code}, a plugin; write it with gzip")
    _check_type(name, dataset.get_type(), here)


def _check_attributes(name: str, member: h5py.h5i.ObjectID, here: str) -> None:
    for i in range(h5a.get_num_attrs(member)):
        attribute = h5a.open(member, index=i)
        _check_type(name, attribute.get_type(), f"{here}, attribute {attribute.name.decode(errors='replace')}")


def _check_type(name: str, kind: h5t.TypeID, here: str, in_vlen: bool = False) -> None:
    code = kind.get_class()
    if code == h5t.OPAQUE:
        raise FormatError(f"{name}: {here} holds opaque bytes, no data; such a file is refused")
    if code == h5t.REFERENCE and (in_vlen or not (kind.equal(h5t.STD_REF_OBJ) or kind.equal(h5t.STD_REF_DSETREG))):
        raise FormatError(f"{name}: {here} holds references that may leave the file; such a file is refused")
    if code == h5t.COMPOUND:
        for i in range(kind.get_nmembers()):
            _check_type(name, kind.get_member_type(i), here, in_vlen)
    elif code in (h5t.ARRAY, h5t.VLEN):
        _check_type(name, kind.get_super(), here, in_vlen or code == h5t.VLEN)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
