"""Pictures from the browser, and a scan that works in a thread, in a real JupyterLab."""

import io
import re

from notebook_page import kernel_becomes
from PIL import Image
from playwright.sync_api import expect

SCAN = """
import asyncio, threading, time
from cnnwidgets.widgets import ScanControl
control, asked, tasks = ScanControl(source="5,000 Toytown pictures"), [], []

def scan():
    total, done = 100_000, 0
    while done < total and not control.stopping:
        sum(i * i for i in range(20_000))  # busy, as a network would be
        done += 1
        control.progress(done, total)
    control.finish(f"{done:,} pictures, stopped", source="mine")

def start(pictures):
    asked.append(pictures)
    tasks.append(asyncio.get_running_loop().create_task(asyncio.to_thread(scan)))

control.on_start(start)
control
"""


def png(i):
    buffer = io.BytesIO()
    Image.new("RGB", (700 + i, 300), (i, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def test_many_pictures_arrive_the_scan_is_seen_and_can_be_stopped(notebook):
    page = notebook("scan", [SCAN])
    names = [f"{i}.png" for i in range(60)]
    page.locator(".cw-scan input[type=file]").set_input_files(
        [dict(name=name, mimeType="image/png", buffer=png(i)) for i, name in enumerate(names)]
    )
    facts = page.locator(".cw-scan-facts")
    expect(facts).to_contain_text(re.compile(r"of 100,000 · [\d.,]+ images/s · .+ left"))
    assert page.kernel("[list(files) for files in asked]") == [names]
    assert page.kernel("[data[:2] == b'\\xff\\xd8' for data in asked[0].values()]") == [True] * 60
    assert page.kernel("max(map(len, asked[0].values()))") < 2**20
    before = facts.inner_text()
    expect(facts).not_to_have_text(before)  # while the kernel computes
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".cw-scan-message")).to_contain_text("pictures, stopped")
    expect(page.locator(".cw-scan-source")).to_have_text("mine")
    expect(page.get_by_role("button", name="Back to 5,000 Toytown pictures")).to_be_visible()
    done = page.kernel("control.done")
    expect(page.locator(".cw-scan-message")).to_have_text(f"{done:,} pictures, stopped")
    assert 0 < done < 100_000
    kernel_becomes(page, "control.running", False)
    assert page.kernel_errors == []
