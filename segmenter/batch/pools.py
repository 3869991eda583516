"""Where the work of a batch is done: processes of this machine, or a cluster; and what becomes of Ctrl-C meanwhile."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor

from segmenter import process
from segmenter.errors import Refused


def processes(count: int | None) -> Callable[[], Executor]:
    """A pool of processes on this machine; by default one for each processor it may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # not forked: the progress bar's thread and the libraries' own would come along half alive
    context = multiprocessing.get_context("spawn")
    most = 61 if os.name == "nt" else usable + (count or 0)  # Windows cannot wait for more
    return lambda: ProcessPoolExecutor(min(count or usable, most), mp_context=context, initializer=_begin)


def _begin() -> None:
    """A worker begins by importing all it needs."""
    from segmenter.batch import running  # noqa: F401

    process.settle()
    threading.Thread(target=_end_together, daemon=True).start()


def _end_together() -> None:
    """A worker whose run was killed ends: of itself it would wait for work for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def cluster(address: str) -> Callable[[], Executor]:
    """The executor of a Dask cluster. Refused("need_extra") without dask, ("scheduler") when nobody answers there, or
    no more when another is made."""
    try:
        from distributed import Client
    except ImportError:
        raise Refused("need_extra", extra="scheduler") from None
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise Refused("scheduler", value=address, reason=error) from None
    logging.disable()  # what becomes of the cluster is told in our words, not with the calls it was noticed in

    def make() -> Executor:
        if client.status != "running":
            raise Refused("scheduler", value=address, reason=client.status)
        executor: Executor = client.get_executor(pure=False, retries=2)
        return executor

    return make


@contextlib.contextmanager
def to_the_end() -> Iterator[None]:
    """Ctrl-C pressed again while a batch stops is not heard: what is being written would be left half done."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Processes started in here never hear Ctrl-C: one that is still importing would only say where it was."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
