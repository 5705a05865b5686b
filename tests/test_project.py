"""The repository itself: packaging, notebooks, Binder, CI."""

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import cnnwidgets
from cnnwidgets.handout import notebooks_in

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
NOTEBOOKS = notebooks_in(ROOT / "notebooks")
MB = 1_000_000


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tracked():
    """Files that git knows, or would add."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout")
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_setup_cfg_is_for_pytest_only():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert config.sections() == ["tool:pytest"]


def test_every_package_is_listed(project):
    found = {"cnnwidgets.tutorials"}
    for init in (ROOT / "cnnwidgets").rglob("__init__.py"):
        found.add(".".join(init.parent.relative_to(ROOT).parts))
    assert set(project["tool"]["setuptools"]["packages"]) == found


def test_every_file_travels_in_the_wheel(project, tracked):
    """Every file of the package that is no Python is named by a pattern of package-data."""
    patterns = project["tool"]["setuptools"]["package-data"]
    named = set()
    for package, globs in patterns.items():
        if package != "cnnwidgets.tutorials":
            folder = ROOT.joinpath(*package.split("."))
            named |= {file for pattern in globs for file in folder.glob(pattern)}
    files = {file for file in tracked if file.is_relative_to(ROOT / "cnnwidgets") and file.suffix != ".py"}
    left_out = sorted(str(file.relative_to(ROOT)) for file in files - named)
    assert left_out == []


def test_the_version_is_in_the_changelog(project):
    assert project["project"]["dynamic"] == ["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[{re.escape(cnnwidgets.__version__)}\]", changelog, re.MULTILINE)


def test_no_file_is_large(tracked):
    large = {
        str(file.relative_to(ROOT)): file.stat().st_size for file in tracked if file.stat().st_size > 3 * MB
    }
    assert large == {}


def test_the_only_index_named_is_pytorchs(tracked):
    """Packages come from where the user's pip looks, with one documented exception: PyTorch without CUDA."""
    index = re.compile(r"(?:--(?:extra-)?index-url|-i)[ =]+(https?://\S+?)[`\"')]*(?:\s|$)")
    named = set()
    for file in tracked:
        if file.suffix in {".md", ".txt", ".toml", ".cfg", ".ipynb", ""} and file.is_file():
            named |= set(index.findall(file.read_text(encoding="utf-8")))
    assert named == {"https://download.pytorch.org/whl/cpu"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_has_no_outputs_but_the_text_that_is_checked(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    checked = [cell for cell in code if cell.source.startswith("# NBVAL_CHECK_OUTPUT")]
    assert checked, "a tutorial states something that must stay true"
    for cell in code:
        if cell in checked:  # nbval skips a cell that has no number
            assert isinstance(cell.execution_count, int)
            assert [output.get("name") for output in cell.outputs] == ["stdout"]
        else:
            assert (cell.outputs, cell.execution_count) == ([], None)
    assert "widgets" not in notebook.metadata
    assert notebook.metadata.kernelspec.name == "python3"


def test_binder_pins_a_cpu_only_torch():
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in lines
    assert any(re.fullmatch(r"torch==\d+\.\d+\.\d+\+cpu", line) for line in lines)
    assert any(re.fullmatch(r"torchvision==\d+\.\d+\.\d+\+cpu", line) for line in lines)


def test_binder_has_every_dependency(project):
    def names(requirements):
        return {re.match(r"[A-Za-z0-9_.-]+", line)[0].lower() for line in requirements if line[:1].isalpha()}

    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    extras = project["project"]["optional-dependencies"]
    assert names(lines) >= names(project["project"]["dependencies"]) | names(extras["lab"])


def test_binder_python_is_one_we_support(project):
    minor = int(re.fullmatch(r"python-3\.(\d+)\s*", (ROOT / "binder" / "runtime.txt").read_text())[1])
    oldest = int(re.fullmatch(r">=3\.(\d+)", project["project"]["requires-python"])[1])
    assert minor >= max(oldest, 11)


@pytest.mark.skipif(os.name != "posix", reason="file modes and bash")
@pytest.mark.parametrize("script", ["binder/postBuild", ".ci/run"])
def test_scripts_are_executable_and_strict(script):
    file = ROOT / script
    lines = file.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert os.access(file, os.X_OK)
    subprocess.run(["bash", "-n", str(file)], check=True)


def test_binder_installs_the_project_without_its_dependencies():
    commands = (ROOT / "binder" / "postBuild").read_text()
    assert re.search(r"^(python -m )?pip install .*--no-deps", commands, re.MULTILINE)
    assert not re.search(r"curl|wget|git clone|cw\.load", commands)


def test_ci_runs_the_readmes_own_command():
    command = re.search(r"^TEST_COMMAND='(.+)'$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)[1]
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
