"""Front-end files of a widget as one module.

anywidget loads one ES module a widget, and there is no bundler in this project: what several widgets share
is written as real modules in ``static/shared`` and put in front of the widget's own code when the package
is imported.
"""

import re
from pathlib import Path

STATIC = Path(__file__).parent / "static"

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"(\.[^"]+)";[ \t]*$', re.M)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function|const|let|class)\b)", re.M)
_DECLARATION = re.compile(r"^(export\s+)?(?:async\s+)?(?:function\*?|const|let|class)\s+([\w$]+)", re.M)


def esm(name: str, static: Path = STATIC) -> str:
    """Code of ``static/<name>.js`` with everything that it imports in front.

    Only what the front ends use is understood: ``import { a, b } from "./file.js";`` and ``export`` before a
    declaration at the start of a line; anything else is an error at import time, not in a student's browser.

    Raises
    ------
    ValueError
        If a module imports what another does not export, two modules declare the same name, modules import
        each other in a circle, or an import or export has another form.
    """
    modules: dict[Path, str] = {}
    owner: dict[str, Path] = {}

    def add(path: Path, open_paths: tuple[Path, ...]) -> set[str]:
        code = path.read_text(encoding="utf-8")
        if path in open_paths:
            raise ValueError(f"{path.name} imports itself in a circle")
        declared = _DECLARATION.findall(code)
        exported = {variable for export, variable in declared if export}
        if path in modules:
            return exported
        for wanted, file in _IMPORT.findall(code):
            found = add((path.parent / file).resolve(), (*open_paths, path))
            if missing := {word.strip() for word in wanted.split(",") if word.strip()} - found:
                raise ValueError(
                    f"{path.name} imports {', '.join(sorted(missing))}, which {file} does not export"
                )
        for _, variable in declared:
            if owner.setdefault(variable, path) != path:
                raise ValueError(f"{variable} is declared in {owner[variable].name} and in {path.name}")
        code = _EXPORT.sub("", _IMPORT.sub("", code))
        if open_paths and re.search(r"^export\b", code, re.M) or re.search(r"^import\b", code, re.M):
            raise ValueError(f"{path.name} has an import or export of a form that is not understood")
        modules[path] = _without_comments(code)
        return exported

    add((static / f"{name}.js").resolve(), ())
    return "\n".join(modules.values())


def css(name: str, static: Path = STATIC) -> str:
    """Rules that all widgets share, followed by those of ``static/<name>.css``, if there is one."""
    files = [static / "shared" / "shared.css", static / f"{name}.css"]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.exists())


def _without_comments(code: str) -> str:
    # each instance of a widget carries its code to the browser and into the saved notebook
    return re.sub(r"^\s*(//.*)?\n", "", code, flags=re.M)
