"""What a student sees after ``cnnwidgets lab``: the notebook, and nothing that lies over it."""

import secrets
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest
from lab import free_port, private_environment


@pytest.fixture
def student_lab(tmp_path):
    """Address of JupyterLab as the command starts it, for somebody who never used it before."""
    token, port = secrets.token_hex(16), free_port()
    command = [sys.executable, "-m", "cnnwidgets", "lab", "--no-browser", f"--port={port}", "--folder"]
    with (
        open(tmp_path / "log", "w") as log,
        subprocess.Popen(
            [*command, str(tmp_path / "desk")],
            env=private_environment(tmp_path, token),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        address = f"http://127.0.0.1:{port}/?token={token}"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(OSError):
                urllib.request.urlopen(address, timeout=1).close()
                break
            time.sleep(0.05)
        yield address
        process.terminate()


def test_the_first_notebook_opens_and_no_pop_up_covers_it(chromium, student_lab):
    asked = []
    page = chromium.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(student_lab)
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    assert "/lab/tree/02_activation_maps.ipynb" in page.url
    page.wait_for_load_state("networkidle")
    assert page.locator(".Toastify__toast").all_inner_texts() == []
    assert [url for url in asked if url.endswith(("/lab/api/news", "/lab/api/update"))] == []
    page.close()
