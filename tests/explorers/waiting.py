"""Waiting for what an explorer does beside the event loop."""

import asyncio
import time


async def until(condition, seconds=30):
    """Wait until ``condition()`` holds; AssertionError if it does not."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come within {seconds} s"
        await asyncio.sleep(0.005)
