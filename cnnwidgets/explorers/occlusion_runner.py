"""Occlusion maps beside the event loop: coarse to fine, given up as soon as something else is wanted."""

import asyncio
import time
from threading import Lock

import numpy as np

from ..core import Occluder, OcclusionRun
from ..core.occluders import error_of
from ..widgets._progress import running_loop
from .latest import Calls, new_future, start_thread
from .squares_shown import filled_input

SHOW_EVERY = 0.15
"""Seconds between two looks at the growing maps."""
BATCH_SECONDS = 0.15
"""How long a batch may take: so long a dragged square, or the next run, has to wait."""
FIRST_LOOK = 1.0
"""Seconds that the very first maps may take before the cell goes on without them."""
MOST_SCORES = 4_000_000
"""Up to so many numbers the scores of all classes are kept, so that another class is shown at once."""


class OcclusionRunner:
    """Runs the maps of an `OcclusionExplorer`, one at a time, in a thread.

    Parameters
    ----------
    explorer : OcclusionExplorer
        Has a ``control``, ``is_busy()``, ``ready(job)`` and ``show(job)``.
    """

    def __init__(self, explorer):
        self._explorer = explorer
        self._lock = Lock()  # of what follows: cells and subshells of the kernel are threads
        self._ended = None  # when the newest has ended; of no event loop, as there may be two
        self._current = None
        self.newest = None  # also after its end
        self._last = None  # the newest job that has an occluder, to use it again

    def start(self, request):
        """Compute the maps for a request, and give up those for the one before."""
        job = Job(request)
        with self._lock:
            is_first = self.newest is None
            self._current = self.newest = job
        loop = running_loop()
        if loop is None or is_first:  # so that what is displayed, or printed, shows something from the start
            self._run_here(job, np.inf if loop is None else FIRST_LOOK)
        with self._lock:
            if self._current is not job:  # it is at its end
                return
            before, self._ended = self._ended, new_future()
            ended = self._ended
        try:
            start_thread(self._run, job, Calls(loop), before, ended)
        except BaseException:  # no more threads
            self._take(job)
            ended.set_result(None)
            raise

    def stop(self):
        """Leave the maps as they are; computing ends with the batch that it is at."""
        job = self._take()
        if job is not None:
            self._finish(job)

    def close(self):
        """Stop, and keep nothing."""
        with self._lock:
            self._current = self._last = self.newest = None

    async def done(self):
        """Wait until no map is being computed."""
        while self._ended is not None and not self._ended.done():
            await asyncio.shield(asyncio.wrap_future(self._ended))

    def _run_here(self, job, seconds):
        try:
            self._work(job, lambda what: what(job), seconds)
        except Exception as error:
            self._end(job, error)
        else:
            if job.is_whole:
                self._end(job)

    def _run(self, job, calls, before, ended):
        """In the thread, whose end does not depend on any loop: that of a subshell may be closed before."""
        try:
            if before is not None:  # it ends with its batch; two would slow each other down
                before.result()
            error = None
            if self._current is job:
                try:
                    self._work(job, lambda what: calls.call(self._tell, what, job))
                except Exception as raised:
                    error = raised
            calls.call(self._end, job, error)
            calls.settle(given_up=lambda: self._current not in (None, job))
        finally:
            ended.set_result(None)

    def _tell(self, what, job):
        if self._current is job:
            try:
                what(job)
            except Exception as error:
                self._end(job, error)

    def _work(self, job, tell, seconds=np.inf):
        """Compute the maps, or go on with them; mostly in the thread."""
        explorer, began = self._explorer, time.perf_counter()
        if job.run is None:
            job.prepare(self._last)
            with self._lock:
                if self._current is not job:  # closed, perhaps: nothing is kept
                    return
                self._last = job
            tell(explorer.ready)
            job.begin()
        run, shown, level = job.run, 0.0, job.run.step_size
        while self._current is job and time.perf_counter() - began < seconds:
            while explorer.is_busy() and self._current is job and time.perf_counter() - began < seconds:
                time.sleep(0.005)  # the hand goes first
            started, before = time.perf_counter(), int(run.computed.sum())
            job.is_whole = not run.step()
            now = time.perf_counter()
            job.seconds += now - started
            if job.is_whole or self._current is not job:
                break  # what is shown by now stays
            job.pace(now - started, int(run.computed.sum()) - before)
            explorer.control.progress(run.done)
            if now - shown > SHOW_EVERY or run.step_size != level:
                shown, level = now, run.step_size
                job.look()
                tell(explorer.show)
        if job.is_whole and job.occluder.precision == "fast" and self._current is job:
            job.error = error_of(run)

    def _end(self, job, error=None):
        if self._take(job) is None:
            return
        if error is not None:
            self._explorer.show_error(error)
        self._finish(job)

    def _take(self, job=None):
        """The current job, or this one if it is current; only who gets it finishes it."""
        with self._lock:
            current = self._current
            if job is not None and current is not job:
                return None
            self._current = None
            return current

    def _finish(self, job):
        explorer = self._explorer
        if job.run is not None:
            try:
                job.look()
                explorer.show(job, is_last=True)
            except Exception as error:
                explorer.show_error(error)
        explorer.control.finish(message=job.told())


class Job:
    """The maps for one request, from their start to their end."""

    def __init__(self, request):
        self.request = request
        self.x = self.fill = self.occluder = self.run = self.seen = None
        self.is_whole, self.seconds, self.error = False, 0.0, None
        self._batch = 4

    def prepare(self, last):
        """Read the image and run the network on it, or take that from the last job."""
        request = self.request
        if last is not None and request.same_image(last.request) and last.occluder.is_current():
            self.x, self.occluder = last.x, last.occluder
        else:
            self.x = request.network.read(request.image)
            like = last.occluder if last is not None and last.request.network is request.network else None
            self.occluder = Occluder(
                request.network,
                self.x,
                request.precision,
                request.layer,
                request.channel,
                like=like,
                expected=request.n_squares(self.x.shape[2:]),
            )
        self.fill = filled_input(request.network, self.x, request.fill)

    @property
    def baseline(self):
        """Probabilities of all classes for the unoccluded image."""
        return self.occluder.baseline.probabilities[0].numpy()

    def begin(self):
        """The run, with all classes if there is room for them."""
        request = self.request
        n = request.n_squares(self.occluder.image_size)
        keeps_all = n * len(self.baseline) <= MOST_SCORES and request.method == "full"
        self.run = OcclusionRun(
            self.occluder,
            request.size,
            request.stride,
            self.fill,
            request.method,
            classes=None if keeps_all else list(request.classes(self.baseline)),
            batch_size=self._batch,
        )
        return self.run

    def pace(self, seconds, n):
        """So many squares a batch that none takes too long."""
        if seconds > 0 and n:
            self._batch = max(1, min(int(BATCH_SECONDS * n / seconds), 2 * self._batch))
        self.run.batch_size = self._batch

    def look(self):
        """Keep what is known by now; in the thread, where the run stands still."""
        run = self.run
        known = run.known.copy()  # first, as values come before it
        maps = {
            "probability": run.filled(run.probability),
            "label": run.filled(run.label),
            "activity": None if run.activity is None else run.filled(run.activity),
        }
        # whole when it is set: another thread may be reading
        self.seen = {
            "known": known,
            **{name: None if each is None else each.copy() for name, each in maps.items()},
        }

    def of_class(self, target):
        """The map of a class, or None if its scores were not kept."""
        where = (self.run.classes == target).nonzero()[0] if self.seen is not None else ()
        return self.seen["probability"][..., where[0]] if len(where) else None

    def told(self):
        """How it was computed, in a line."""
        if self.run is None or self.seen is None:
            return ""
        if not self.is_whole:
            return f"stopped after {int(self.seen['known'].sum()):,} of {self.run.total:,}"
        told = [self.occluder.why, f"{self.seconds:.1f} s"]
        if self.request.method == "adaptive":
            told.insert(0, f"{int(self.run.computed.sum()):,} of {self.run.total:,} squares tried")
        if self.error is not None:
            told.append(f"off by at most {self.error:.2g} where compared with exact precision")
        elif self.request.precision == "fast":
            told.append("exact, as this machine has no bfloat16")
        return " · ".join(told)
