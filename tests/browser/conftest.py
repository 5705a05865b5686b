"""Browser tests open notebooks in a real JupyterLab: ``page = notebook("name", ["code of a cell", ...])``."""

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


@pytest.fixture
def notebook(chromium, servers):
    """``notebook(name, cells_or_path, app="lab", run=True) -> NotebookPage``, all its cells run.

    When the test is over, a page with console errors, or one that asked for something on another machine,
    fails it. A test that provokes an error empties ``page.errors`` once it has looked.
    """
    pages: list[NotebookPage] = []
    chromium.outside.clear()

    def open_notebook(name, cells, app="lab", run=True) -> NotebookPage:
        server = servers(app)
        page = NotebookPage(chromium, server, server.write(name, cells))
        pages.append(page)
        if run:
            page.run_all()
        return page

    yield open_notebook
    errors = [error for page in pages for error in page.errors]
    for page in pages:
        page.close()
    assert errors == []
    assert chromium.outside == []
