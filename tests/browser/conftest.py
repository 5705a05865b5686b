"""Browser tests open notebooks in a real JupyterLab: ``page = notebook("name", ["code of a cell", ...])``."""

from pathlib import Path

import pytest
from lab import Lab
from notebook_page import NotebookPage


@pytest.fixture(scope="session")
def servers():
    """Server for an app ("lab", "notebook"), started at its first use."""
    running: dict[str, Lab] = {}

    def server(app: str) -> Lab:
        if app not in running:
            running[app] = Lab(app)
        return running[app]

    yield server
    for lab in running.values():
        lab.close()


@pytest.fixture(scope="session")
def spare():
    """Of each app, the page of a test that went well: the next test begins anew in it."""
    pages: dict[str, NotebookPage] = {}
    yield pages
    for page in pages.values():
        page.close()


@pytest.fixture
def notebook(chromium, servers, spare, request):
    """``notebook(name, cells_or_path, app="lab", run=True, fresh=False) -> NotebookPage``, all its cells run.

    The kernel and the page may have served another test before (see `NotebookPage.renew`), unless ``fresh``.
    When the test is over, a page with console errors, or one that asked for something on another machine,
    fails it. A test that provokes an error empties ``page.errors`` once it has looked.
    """
    pages: list[NotebookPage] = []
    lasting: dict[str, NotebookPage] = {}
    failed_before = request.session.testsfailed
    chromium.outside.clear()

    def open_notebook(name, cells, app="lab", run=True, fresh=False) -> NotebookPage:
        if fresh or app not in spare or isinstance(cells, str | Path):
            server = servers(app)
            page = NotebookPage(chromium, server, server.write(name, cells))
        else:
            page = spare.pop(app)
            page.renew(cells)
        pages.append(page)
        if not fresh:
            lasting[app] = page
        if run:
            page.run_all()
        return page

    yield open_notebook
    errors = [error for page in pages for error in page.errors]
    if request.session.testsfailed == failed_before and not errors:
        for app, page in lasting.items():
            spare.setdefault(app, page)
    for page in pages:
        if page not in spare.values():
            page.close()
    assert errors == []
    assert chromium.outside == []
