"""The tutorials: where they are, and a writable copy of them that respects what the student wrote.

A folder of tutorials remembers, in a small file, which version of each notebook was put there. A notebook
that is still that version may be replaced by a newer one; a notebook that the student has changed never is.
"""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = Path(__file__).parent
RECORD = ".cnnwidgets-tutorials.json"


@dataclass
class Handout:
    """What :func:`hand_out` did, as paths relative to the folder."""

    folder: Path
    written: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    """Notebooks the student changed that now have a newer version: name -> where the new version was put."""


def shipped_tutorials() -> Path:
    """Folder with the notebooks as they were shipped: inside the wheel, or the repository's own.

    Raises
    ------
    FileNotFoundError
        If this installation has no notebooks.
    """
    inside, checkout = PACKAGE / "tutorials", repository()
    if inside.is_dir():
        return inside
    if checkout and (checkout / "notebooks").is_dir():
        return checkout / "notebooks"
    raise FileNotFoundError(
        "this installation of cnnwidgets has no tutorials: install its wheel, or clone the repository"
    )


def repository() -> Path | None:
    """The source checkout that this package runs from, or None when it was installed from a wheel."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


def tutorials_in_place() -> Path | None:
    """The notebooks folder of a source checkout that may be written to, else None."""
    root = repository()
    return root / "notebooks" if root and os.access(root / "notebooks", os.W_OK) else None


def notebooks_in(folder: Path) -> list[Path]:
    """All notebooks below a folder, sorted, without Jupyter's own checkpoints."""
    return sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def hand_out(folder: Path, source: Path | None = None) -> Handout:
    """Copy the shipped notebooks into ``folder``; never over a file that the student has changed.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    source : Path, optional
        The notebooks to copy; the shipped ones by default.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    source = source or shipped_tutorials()
    folder.mkdir(parents=True, exist_ok=True)
    known = _read_record(folder)
    done = Handout(folder)
    for path in notebooks_in(source):
        name = path.relative_to(source).as_posix()
        theirs, shipped = folder / name, _digest(path)
        if not theirs.exists() or _digest(theirs) == known.get(name) != shipped:
            theirs.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, theirs)
            done.written.append(name)
        elif shipped not in (_digest(theirs), known.get(name)):
            done.kept[name] = _put_beside(path, theirs, shipped).relative_to(folder).as_posix()
        known[name] = shipped
    (folder / RECORD).write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return done


def _put_beside(path: Path, theirs: Path, shipped: str) -> Path:
    """Copy ``path`` to the first free "name-new.ipynb", "name-new-2.ipynb", ... beside ``theirs``."""
    count = 1
    while True:
        beside = theirs.with_name(f"{theirs.stem}-new{f'-{count}' if count > 1 else ''}.ipynb")
        if not beside.exists():
            shutil.copyfile(path, beside)
        if _digest(beside) == shipped:
            return beside
        count += 1


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_record(folder: Path) -> dict[str, str]:
    # Without a readable record every file counts as changed: nothing is lost, at worst a copy lies beside.
    try:
        record = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
