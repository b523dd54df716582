"""Memory settings are taken by this platform and can be taken back."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys

import pytest


def test_what_was_built_leaves_the_collector() -> None:
    code = (
        "import gc\nfrom pointsman.lib.memory import settle_garbage\n"
        "settle_garbage()\nprint(gc.get_freeze_count() > 1000, gc.get_threshold()[0])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert output.stdout.split() == [b"True", b"20000"]
    assert gc.get_freeze_count() == 0, "this process is left alone"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_freed_buffers_stay_with_the_process() -> None:
    code = (
        "import resource\nfrom pointsman.lib.memory import keep_large_buffers\n"
        "assert keep_large_buffers()\n"
        "def faults():\n    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "bytearray(4_000_000)\nbefore = faults()\n"
        "for _ in range(50):\n    bytearray(4_000_000)\n"
        "print(faults() - before)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(output.stdout) < 5_000  # mapped afresh, fifty times 4 MB are 50,000 pages
