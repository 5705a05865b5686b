"""The public face is thin: importing it costs nothing, and below it arrows go one way."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cnnwidgets

PACKAGE = Path(cnnwidgets.__file__).parent
SUBPACKAGES = ("core", "data", "explorers", "networks", "render", "widgets")

# Who may import whom (design: explorers -> widgets -> render -> core, explorers -> networks/data -> core).
MAY_IMPORT = {
    "core": set(),
    "data": {"core"},
    "networks": {"core", "data"},
    "render": {"core"},
    "widgets": {"core", "render"},
    "explorers": {"core", "data", "networks", "render", "widgets"},
}
# Only inside a function, when it is needed: ImagePicker reads images.
MAY_IMPORT_LAZILY = {"widgets": {"data"}}

FRONT_END = {"anywidget", "ipympl", "IPython", "ipywidgets", "traitlets"}
MAY_NOT_IMPORT = {
    "data": FRONT_END,
    "networks": FRONT_END | {"matplotlib"},
    "render": FRONT_END | {"torch", "torchvision"},
}


def test_importing_it_imports_nothing_heavy():
    heavy = {
        "torch",
        "torchvision",
        "numpy",
        "PIL",
        "matplotlib",
        "ipywidgets",
        "anywidget",
        "IPython",
        "sklearn",
    }
    code = "import cnnwidgets, json, sys; dir(cnnwidgets); print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(json.loads(done.stdout)) == set()


@pytest.mark.parametrize(
    ("name", "home"),
    [
        ("load", "networks"),
        ("wrap", "networks"),
        ("available", "networks"),
        ("samples", "data"),
        ("read_image", "data"),
        ("explore", "explorers"),
    ],
)
def test_public_names_are_those_of_the_subpackages(name, home):
    assert name in dir(cnnwidgets)
    assert getattr(cnnwidgets, name) is getattr(getattr(cnnwidgets, home), name)


@pytest.mark.parametrize("name", SUBPACKAGES)
def test_subpackages_are_attributes(name):
    assert name in dir(cnnwidgets)
    assert getattr(cnnwidgets, name).__name__ == f"cnnwidgets.{name}"


@pytest.mark.parametrize("name", SUBPACKAGES)
def test_all_names_only_what_is_there(name):
    subpackage = getattr(cnnwidgets, name)
    assert subpackage.__doc__
    assert [public for public in subpackage.__all__ if not hasattr(subpackage, public)] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'lode'"):
        _ = cnnwidgets.lode


def imports_in(source: str, module: str) -> Iterator[tuple[str, bool]]:
    """(full name of each module imported, whether inside a function); ``module`` is where the source is."""
    tree = ast.parse(source)
    lazy = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            start = ".".join([*above, *filter(None, [node.module])])
            # "from cnnwidgets import core" imports cnnwidgets.core
            names = [f"{start}.{alias.name}" if start == "cnnwidgets" else start for alias in node.names]
        else:
            continue
        for name in names:
            yield name, id(node) in lazy


def test_the_import_reader_reads_every_form():
    source = """
import torch.nn as nn
from ..core.layers import list_layers
from .. import data
from .grid import Grid
from cnnwidgets import networks
def later():
    from ..explorers import explore
"""
    assert list(imports_in(source, "cnnwidgets.widgets.picker")) == [
        ("torch.nn", False),
        ("cnnwidgets.core.layers", False),
        ("cnnwidgets.data", False),
        ("cnnwidgets.widgets.grid", False),
        ("cnnwidgets.networks", False),
        ("cnnwidgets.explorers", True),
    ]


def all_imports(subpackage: str) -> Iterator[tuple[str, str, bool]]:
    """(file, imported module, lazily?) over a subpackage."""
    files = sorted((PACKAGE / subpackage).rglob("*.py"))
    assert files
    for file in files:
        module = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
        for name, lazy in imports_in(file.read_text(encoding="utf-8"), module):
            yield f"{subpackage}/{file.name}", name, lazy


@pytest.mark.parametrize("subpackage", SUBPACKAGES)
def test_arrows_go_one_way(subpackage):
    wrong = []
    for file, name, lazy in all_imports(subpackage):
        allowed = MAY_IMPORT[subpackage] | {subpackage}
        if lazy:
            allowed = allowed | MAY_IMPORT_LAZILY.get(subpackage, set())
        if name.startswith("cnnwidgets") and name.split(".")[1:2] not in [[one] for one in allowed]:
            wrong.append(f"{file} imports {name}")
    assert wrong == []


def test_core_knows_torch_and_numpy_only():
    allowed = {"torch", "numpy", "cnnwidgets", *sys.stdlib_module_names}
    others = [each for each in all_imports("core") if each[1].split(".")[0] not in allowed]
    lazily = {"cv2", "openTSNE", "scipy", "sklearn"}  # kept libraries, only once something needs them
    assert [each for each in others if not each[2] or each[1].split(".")[0] not in lazily] == []


@pytest.mark.parametrize("subpackage", MAY_NOT_IMPORT)
def test_what_is_below_knows_no_front_end(subpackage):
    forbidden = MAY_NOT_IMPORT[subpackage]
    assert [
        (file, name) for file, name, _ in all_imports(subpackage) if name.split(".")[0] in forbidden
    ] == []
