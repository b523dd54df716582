"""How a long-lived process keeps its memory: what was built stays, what was freed is kept ready."""

from __future__ import annotations

import ctypes
import gc

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT_BYTES = 64 * 2**20
_BUFFER_BYTES = 32 * 2**20
_GARBAGE_OBJECTS = 20_000
"""New objects before a collection looks at them: some hundred requests' worth."""


def settle_garbage() -> None:
    """Take what was built, and imported, out of every later collection.

    It stays to the end, and looking through it again and again would cost each request tens of
    microseconds; requests leave little cyclic garbage.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE_OBJECTS, 20, 20)


def keep_large_buffers() -> bool:
    """Ask the C library not to hand freed memory back at once; whether it can.

    A request body of some hundred KB is copied several times on its way. By default glibc maps
    each copy afresh or gives the top of the heap back, and the kernel clears those pages again and
    again: a tenth of what such a request costs. At most 64 MiB are kept.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False  # another C library; it has its own ways
    is_set: bool = mallopt(_M_MMAP_THRESHOLD, _BUFFER_BYTES) == 1
    return is_set and mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES) == 1
