"""The Dockerfile says what we promise of the image; there is no engine here to build it with."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def stages() -> list[list[tuple[str, str]]]:
    """For each stage its instructions, as (name, arguments), continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    found: list[list[tuple[str, str]]] = []
    for name, _, arguments in (line.partition(" ") for line in lines if line.strip()):
        if name == "FROM":
            found.append([])
        found[-1].append((name, arguments.strip()))
    return found


def only(stage: list[tuple[str, str]], name: str) -> str:
    (arguments,) = [arguments for found, arguments in stage if found == name]
    return arguments


def test_it_runs_the_picker_as_nobody_in_particular(stages: list[list[tuple[str, str]]]) -> None:
    final = stages[-1]
    uid, _, gid = only(final, "USER").partition(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert json.loads(only(final, "ENTRYPOINT")) == ["pointsman"]
    assert json.loads(only(final, "CMD")) == ["picker"]
    assert "HEALTHCHECK" not in dict(final)


def test_the_final_stage_builds_nothing(stages: list[list[tuple[str, str]]]) -> None:
    assert len(stages) > 1
    assert "RUN" not in dict(stages[-1])
    assert only(stages[-1], "COPY").startswith("--from=build ")


def test_everything_installed_has_its_hash_checked(stages: list[list[tuple[str, str]]]) -> None:
    installs = [
        command
        for stage in stages
        for name, arguments in stage
        if name == "RUN"
        for command in re.findall(r"pip install [^&]*", arguments)
    ]
    assert installs
    for command in installs:
        assert "--require-hashes -r requirements" in command or "--no-index --no-deps" in command
        assert not re.search(r"https?:|index-url|trusted-host", command)


def test_all_that_is_copied_is_let_through_and_exists(
    stages: list[list[tuple[str, str]]],
) -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    copied = {
        source
        for name, arguments in stages[0]
        if name == "COPY"
        for source in arguments.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / each).exists() for each in copied)


def test_both_stages_have_the_same_python(stages: list[list[tuple[str, str]]]) -> None:
    images = {only(stage, "FROM").split()[0] for stage in stages}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.1\d-slim-\w+", images.pop())
