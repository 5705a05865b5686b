"""A scan beside the event loop: early results, progress, a stop at any batch."""

import asyncio
import time
from collections.abc import Callable

from ..core import PatchScan

SHOW_EVERY = 0.7
"""Seconds between two looks at what has been found so far."""


class ScanRunner:
    """Runs the scans of a `PatchExplorer`, one at a time, in a thread.

    Parameters
    ----------
    explorer : PatchExplorer
        Has a ``scan`` control, ``show(patches)`` and ``settle(patches, source)``.
    """

    def __init__(self, explorer):
        self._explorer = explorer
        self._task = None
        self._current = None

    def start(self, make, name, is_home=False):
        """Run a scan, and show what it finds; without an event loop (a plain script), before returning.

        Parameters
        ----------
        make : callable
            Gives the `PatchScan`; called in the thread, since it looks for files and runs the network once.
        name : str
            What the pictures are: ``"pictures of yours"``.
        is_home : bool
            Whether what it finds is what there is a way back to.
        """
        self.stop()
        job = self._current = _Job(make, name, is_home)
        control = self._explorer.scan
        with control.hold_sync():
            control.done = control.total = 0
            control.message = f"looking at {name}"
            control.running = True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._run_here(job)
            return
        self._task = loop.create_task(self._run(job, loop))

    def stop(self):
        """Forget the scan that runs, if any; it ends with the batch that it is at."""
        if self._current is None:
            return
        self._current = None
        control = self._explorer.scan
        with control.hold_sync():
            control.message = ""
            control.running = False  # or the control would wait for the end of a scan that nobody follows

    async def done(self):
        """Wait until no scan runs."""
        while self._task is not None and not self._task.done():
            await asyncio.shield(self._task)

    def _run_here(self, job):
        try:
            self._work(job, lambda patches: None)
        except BaseException:
            self.stop()
            raise
        self._end(job)

    async def _run(self, job, loop):
        def show(patches):
            loop.call_soon_threadsafe(self._show, job, patches)

        error = None
        try:
            await asyncio.to_thread(self._work, job, show)
        except Exception as raised:
            error = raised
        self._end(job, error)

    def _work(self, job, show):
        """In the thread."""
        control = self._explorer.scan
        scan = job.scan = job.make()
        if self._current is not job:
            return
        control.progress(0, scan.n_images)
        shown = time.monotonic() - SHOW_EVERY / 2  # the first look comes early
        try:
            for done in scan:
                if self._current is not job:
                    return
                control.progress(done, scan.n_images)
                if control.stopping:
                    return
                if time.monotonic() - shown > SHOW_EVERY:
                    show(scan.result())
                    shown = time.monotonic()
            job.is_whole = True
        finally:
            scan.close()

    def _show(self, job, patches):
        if self._current is not job or not patches.n_images:
            return
        control, source = self._explorer.scan, f"the first {patches.n_images:,} of {job.told}"
        with control.hold_sync():
            control.source = source
            if job.is_home:
                control.home = source
        self._explorer.show(patches)

    def _end(self, job, error=None):
        if self._current is not job:
            return
        self._current = None
        explorer = self._explorer
        patches = job.scan.result() if job.scan is not None else None
        found = patches is not None and patches.n_images > 0
        source = None
        if found:
            is_all = job.is_whole and not patches.skipped
            source = job.told if is_all else f"{patches.n_images:,} of {job.told}"
            if job.is_home or not explorer.has_home:
                explorer.settle(patches, source)
            else:
                explorer.show(patches)
        if error is not None:
            explorer.scan.show_error(error)
        explorer.scan.finish(message=_told(job, patches, error), source=source)


class _Job:
    """One scan from its start to its end."""

    def __init__(self, make: Callable[[], PatchScan], name: str, is_home: bool):
        self.make, self.name, self.is_home = make, name, is_home
        self.scan: PatchScan | None = None
        self.is_whole = False

    @property
    def told(self):
        """How many pictures, and which."""
        n = self.scan.n_images
        if n is None and self.is_whole:
            n = self.scan.n_done
        if n == 1:
            return "1 " + self.name.replace("pictures", "picture", 1)
        return self.name if n is None else f"{n:,} {self.name}"


def _told(job, patches, error):
    """What came of a scan, in a line."""
    if patches is None:
        return ""
    told = []
    if not job.is_whole:
        of = "" if job.scan.n_images is None else f" of {job.scan.n_images:,}"
        told.append(f"{'ended by an error' if error else 'stopped'} after {job.scan.n_done:,}{of}")
    if patches.skipped:
        first = list(patches.skipped)[:3]
        rest = ", …" if len(patches.skipped) > len(first) else ""
        told.append(f"{len(patches.skipped):,} could not be read: {', '.join(first)}{rest}")
    return "; ".join(told)
