"""Doing a survey's portions: on the cores here, or on the workers of a dask scheduler; a worker that dies costs only
time, since a portion gives the same outcomes wherever and however often it is done."""

from __future__ import annotations

import functools
import importlib
import multiprocessing
import multiprocessing.synchronize
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.errors import HeadstageError, SessionError, SpecError
from rig.registry import find_plugin
from rig.survey.journal import SurveyJournal
from rig.survey.plan import LesionSurvey, Portion, SurveyPlan

MAX_BROKEN_POOLS = 3
"""Without a portion done in between, before the survey gives up."""
POLL_S = 0.2

Progress = Callable[[int, int], None]
"""Called with lesions done and lesions in all, preparations counted each."""


def lesion_survey(plugin: str, *, installed_only: bool = True) -> LesionSurvey:
    """The survey that a subject offers.

    Raises
    ------
    SubjectError : no such subject. SpecError : it offers none.
    """
    offered = find_plugin(plugin, installed_only=installed_only).lesion_survey
    if offered is None:
        raise SpecError(f"asked for a lesion survey of {plugin}; it offers none: microprocessor does")
    return offered()


@dataclass(frozen=True)
class PortionTask:
    """Does portions of a plan, in any process that has the plugin installed.

    Attributes
    ----------
    installed_only : plans come from files: leave it on for them
    """

    plan: SurveyPlan
    installed_only: bool = True

    def __call__(self, portion: Portion, cancelled: Callable[[], bool] | None = None) -> Any:
        """Outcomes of a portion, None where it was cancelled.

        Raises
        ------
        SpecError : the preparation here is another than the one the survey was planned with.
        """
        plan = self.plan
        survey = _survey_here(plan.plugin, self.installed_only)
        options = plan.preparations[portion.preparation]
        fingerprint = _fingerprint_here(plan.plugin, self.installed_only, tuple(sorted(options.items())))
        if fingerprint != plan.fingerprints[portion.preparation]:
            raise SpecError(
                f"asked for a part of a survey of {dict(options)}; the netlist or cartridge here is another than "
                "where the survey was planned: install the same"
            )
        lesions = plan.lesions[portion.first : portion.stop]
        return survey.run(options, plan.kind, lesions, plan.n_frames, cancelled or (lambda: False))


@functools.lru_cache(maxsize=4)
def _survey_here(plugin: str, installed_only: bool) -> LesionSurvey:
    return lesion_survey(plugin, installed_only=installed_only)


@functools.lru_cache(maxsize=16)
def _fingerprint_here(plugin: str, installed_only: bool, options: tuple[tuple[str, str], ...]) -> str:
    return _survey_here(plugin, installed_only).preparation(dict(options))[2]


def run_survey(
    journal: SurveyJournal,
    n_workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    installed_only: bool = True,
) -> bool:
    """Do what is pending and write it down as it comes.

    Parameters
    ----------
    n_workers : processes here; None for one a core
    scheduler : address of a dask scheduler, such as ``tcp://10.0.0.1:8786``; None for processes here
    installed_only : plans come from files: leave it on for them

    Returns
    -------
    bool, whether everything is done; False after a cancel

    Raises
    ------
    SessionError : workers keep dying, or there is no scheduler. StorageError : the disk refuses. Whatever a portion
        raises on purpose. What was written down stays.
    """
    # lesions that take longest together come last in the plan: begun first, lest one core finish long after the others;
    # the same lesions of every preparation side by side, since what is compiled for them is kept on disk
    pending = sorted(journal.pending, key=lambda portion: -portion.first)
    n_total = len(journal.plan.lesions) * len(journal.plan.preparations)
    n_done = n_total - sum(map(len, pending))
    progress(n_done, n_total)
    if not pending:
        return True
    task = PortionTask(journal.plan, installed_only)
    if scheduler is None:
        done = _on_cores(task, pending, n_workers or os.cpu_count() or 1, cancelled)
    else:
        done = _on_cluster(task, pending, scheduler, cancelled)
    for portion, outcomes in done:
        journal.add(portion, outcomes)
        n_done += len(portion)
        progress(n_done, n_total)
    return not journal.pending


Done = Iterator[tuple[Portion, NDArray[np.void]]]


def _on_cores(task: PortionTask, pending: Sequence[Portion], n_workers: int, cancelled: Callable[[], bool]) -> Done:
    left = {p.key: p for p in pending}
    n_broken = 0
    while left and not cancelled():
        n_before = len(left)
        try:
            for portion, outcomes in _in_pool(task, list(left.values()), n_workers, cancelled):
                del left[portion.key]
                yield portion, outcomes
        except BrokenProcessPool as error:
            n_broken = n_broken + 1 if len(left) == n_before else 1
            if n_broken >= MAX_BROKEN_POOLS:
                raise SessionError(
                    f"the survey's workers died {n_broken} times without a result (out of memory?); what is done is "
                    "kept: run it again with fewer workers"
                ) from error


def _in_pool(task: PortionTask, todo: Sequence[Portion], n_workers: int, cancelled: Callable[[], bool]) -> Done:
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(min(n_workers, len(todo)), context, _enter_worker, (stop,))
    running = {pool.submit(_work, task, portion): portion for portion in todo}
    try:
        while running and not cancelled():
            finished, _ = wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED)
            for future in finished:
                portion = running.pop(future)
                outcomes = future.result()
                if outcomes is not None:
                    yield portion, outcomes
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


_stop: multiprocessing.synchronize.Event | None = None


def _enter_worker(stop: multiprocessing.synchronize.Event) -> None:
    """Ctrl-C is for the process that writes the journal; it tells its workers."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(task: PortionTask, portion: Portion) -> Any:
    return task(portion, None if _stop is None else _stop.is_set)


def _on_cluster(task: PortionTask, pending: Sequence[Portion], scheduler: str, cancelled: Callable[[], bool]) -> Done:
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError as error:
        raise SessionError("asked for a dask scheduler; install headstage[cluster]") from error
    try:
        client = distributed.Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise SessionError(f"asked for the dask scheduler {scheduler}; it does not answer ({error})") from error
    with client:
        shared = client.scatter(task, broadcast=True, hash=True)
        name = task.plan.hash[:16]
        running: dict[Any, Portion] = {
            client.submit(_do, shared, p, key=f"{name}-{p.key}", pure=True): p for p in pending
        }
        try:
            while running and not cancelled():
                with suppress(TimeoutError), client.as_current():
                    distributed.wait(list(running), timeout=POLL_S, return_when="FIRST_COMPLETED")
                for future in [f for f in running if f.done()]:
                    portion = running.pop(future)
                    outcomes = _result(future, portion)
                    if outcomes is not None:
                        yield portion, outcomes
        finally:
            client.cancel(list(running), force=True)


def _do(task: PortionTask, portion: Portion) -> Any:
    return task(portion)


def _result(future: Future[Any] | Any, portion: Portion) -> Any:
    try:
        return future.result()
    except HeadstageError:
        raise
    except Exception as error:  # whatever a cluster's machines may lack
        raise SessionError(f"a worker could not do portion {portion.key} ({type(error).__name__}: {error})") from error
