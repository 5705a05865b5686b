"""What a student sees after ``cnnwidgets lab``: the notebook, and nothing that lies over it."""

import re
import secrets
import subprocess
import sys

import pytest
from lab import free_port, private_environment, stop, wait_until_up


@pytest.fixture
def student_lab(tmp_path):
    """Address of JupyterLab as the command starts it, for somebody who never used it before."""
    token, port = secrets.token_hex(16), free_port()
    command = [sys.executable, "-m", "cnnwidgets", "lab", "--no-browser", f"--port={port}", "--folder"]
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            [*command, str(tmp_path / "desk")],
            env=private_environment(tmp_path, token),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}/?token={token}"
    try:
        wait_until_up(address, process, tmp_path / "log")
        yield address
    finally:
        stop(process)


def test_the_first_notebook_opens_and_no_pop_up_covers_it(chromium, student_lab):
    asked = []
    page = chromium.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(student_lab)
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
    page.wait_for_url(re.compile("/lab/tree/01_first_layer_filters.ipynb"))
    page.wait_for_load_state("networkidle")
    assert page.locator(".Toastify__toast").all_inner_texts() == []
    assert [url for url in asked if url.endswith(("/lab/api/news", "/lab/api/update"))] == []
    page.close()
