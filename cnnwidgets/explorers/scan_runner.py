"""A scan beside the event loop: early results, progress, a stop at any batch."""

import asyncio
import time

SHOW_EVERY = 0.7
"""Seconds between two looks at what has been found so far."""


class ScanRunner:
    """Runs the scans of a `PatchExplorer`, one at a time, in a thread.

    Parameters
    ----------
    explorer : PatchExplorer
        Has a ``scan`` control, and ``show(patches)``.
    """

    def __init__(self, explorer):
        self._explorer = explorer
        self._task = None
        self._current = None

    def start(self, scan, name, is_home=False):
        """Run a scan, and show what it finds; without an event loop (a plain script), before returning.

        Parameters
        ----------
        scan : PatchScan
        name : str
            What the pictures are.
        is_home : bool
            Whether what it finds is what there is a way back to.
        """
        self.stop()
        self._current = scan
        control = self._explorer.scan
        control.total, control.done = scan.n_images or 0, 0
        control.message = f"looking at {name}"
        control.running = True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._work(scan, lambda patches: None)
            self._end(scan, name, is_home)
            return
        self._task = loop.create_task(self._run(scan, name, is_home, loop))

    def stop(self):
        """Forget the scan that runs, if any; it ends with the batch that it is at."""
        self._current = None

    async def done(self):
        """Wait until no scan runs."""
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)

    async def _run(self, scan, name, is_home, loop):
        def show(patches):
            loop.call_soon_threadsafe(self._show, scan, patches, name)

        try:
            await asyncio.to_thread(self._work, scan, show)
        except Exception as error:
            if self._current is scan:
                self._explorer.show_error(error)
                self._explorer.scan.finish(message="")
            if not scan.result().n_images:
                return
        self._end(scan, name, is_home)

    def _work(self, scan, show):
        """In the thread."""
        shown = time.monotonic() - SHOW_EVERY / 2  # the first look comes early
        control = self._explorer.scan
        try:
            for done in scan:
                if self._current is not scan or control.stopping:
                    return
                control.progress(done, scan.n_images)
                if time.monotonic() - shown > SHOW_EVERY:
                    show(scan.result())
                    shown = time.monotonic()
        finally:
            scan.close()

    def _show(self, scan, patches, name):
        if self._current is scan:
            self._explorer.scan.source = f"the first {patches.n_images:,} of {name}"
            self._explorer.show(patches)

    def _end(self, scan, name, is_home):
        if self._current is not scan:
            return
        self._current = None
        patches, explorer = scan.result(), self._explorer
        whole = scan.n_images is None or scan.n_done >= scan.n_images
        told = [name] if whole else [f"stopped after {patches.n_images:,} of {scan.n_images:,}"]
        if patches.skipped:
            first = list(patches.skipped)[:3]
            rest = ", …" if len(patches.skipped) > len(first) else ""
            told.append(f"{len(patches.skipped):,} could not be read: {', '.join(first)}{rest}")
        source = f"{patches.n_images:,} of {name}" if not whole else name
        explorer.scan.finish(message="; ".join(told[0 if not whole else 1 :]), source=source)
        if not patches.n_images:
            return
        if is_home:
            explorer._settle(patches, source)
        else:
            explorer.show(patches)
