"""Unpacks an archive completely or not at all, and nowhere but where it belongs."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path


def unpack(file: Path, folder: Path) -> None:
    """Unpack a zip archive into a new folder.

    The archive's own top folder, if it has just one, is left out. The folder appears under its
    name only when everything is in it.

    Raises
    ------
    ValueError
        When the archive is damaged, or holds a path that leads out of the folder.
    """
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        room = Path(temporary) / "all"
        room.mkdir()
        try:
            with zipfile.ZipFile(file) as archive:
                _refuse_escapes(archive, room)
                # Every member's checksum is compared while it is read.
                archive.extractall(room)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise ValueError(
                f"The archive {file.name} is damaged ({error}); it was removed, "
                "so the next run fetches it again."
            ) from None
        inside = list(room.iterdir())
        whole = inside[0] if len(inside) == 1 and inside[0].is_dir() else room
        shutil.rmtree(folder, ignore_errors=True)
        whole.rename(folder)


def _refuse_escapes(archive: zipfile.ZipFile, room: Path) -> None:
    # zipfile would quietly bend such a path; an archive that has one is not to be trusted at all.
    for name in archive.namelist():
        if "\\" in name or not (room / name).resolve().is_relative_to(room.resolve()):
            raise ValueError(f"The archive holds a path that leads out of its folder: {name!r}.")
