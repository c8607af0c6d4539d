"""Fixtures of the contract suite."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rig.subject import Subject

# pytest's importlib mode does not make a test's neighbours importable
sys.path.insert(0, str(Path(__file__).parent))
from contract_cases import CASES, Case


@pytest.fixture(scope="session", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    return CASES[request.param](tmp_path_factory.mktemp("subjects"))


@pytest.fixture(scope="session")
def opened(case: Case) -> tuple[Subject, Subject]:
    """Two of the same; tests take them through `pair`."""
    return case.open(), case.open()


@pytest.fixture
def pair(opened: tuple[Subject, Subject]) -> tuple[Subject, Subject]:
    """Two of the same at tick 0 of seed 0, with nothing watched."""
    for subject in opened:
        subject.reset(0)
        for stream in subject.streams:
            subject.watch(stream.name, [])
    return opened


@pytest.fixture
def subject(pair: tuple[Subject, Subject]) -> Subject:
    return pair[0]
