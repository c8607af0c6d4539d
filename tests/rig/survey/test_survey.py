"""Surveys: every lesion counts once, whatever dies, and what is written down stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest

from rig.errors import FormatError, SessionError, SpecError, SubjectError, UnknownUnitError
from rig.perturbation import PerturbationKind
from rig.survey.journal import SurveyJournal
from rig.survey.plan import SurveyPlan, plan_from_json, plan_to_json, read_pairs
from rig.survey.run import run_survey
from rig.survey.table import outcome_table, write_table
from tests.rig.survey.counting_survey import UNITS, CountingSurvey

MakePlan = Callable[..., SurveyPlan]
N_PORTIONS = 10
WAIT_S = 60.0


def journal_of(folder: Path, plan: SurveyPlan) -> SurveyJournal:
    return SurveyJournal.create_or_resume(folder, plan, CountingSurvey.columns)


def check_outcomes(journal: SurveyJournal) -> None:
    for preparation, game in enumerate((1, 3)):
        expected = 2 * game * np.arange(100, 140)
        np.testing.assert_array_equal(journal.outcomes(preparation)["sum"], expected)
        np.testing.assert_array_equal(journal.outcomes(preparation)["half"], expected / 2)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.02)


def test_every_lesion_once(tmp_path: Path, make_plan: MakePlan) -> None:
    journal = journal_of(tmp_path / "a.survey", make_plan({"trace": str(tmp_path / "trace")}))
    seen: list[tuple[int, int]] = []
    assert run_survey(journal, 2, progress=lambda *n: seen.append(n), installed_only=False)
    check_outcomes(journal)
    assert len((tmp_path / "trace").read_text().splitlines()) == N_PORTIONS
    assert seen[0] == (0, 80)
    assert seen[-1] == (80, 80)
    assert seen == sorted(seen)


def test_goes_on_after_a_kill(tmp_path: Path, make_plan: MakePlan) -> None:
    gate, trace, folder = tmp_path / "gate", tmp_path / "trace", tmp_path / "a.survey"
    plan = make_plan({"gate": str(gate), "trace": str(trace)})
    (tmp_path / "plan.json").write_text(json.dumps(plan_to_json(plan)))
    program = (
        "import json, sys; from pathlib import Path\n"
        "from rig.survey.plan import plan_from_json\n"
        "from rig.survey.run import run_survey\n"
        "from tests.rig.survey.test_survey import journal_of\n"
        "if __name__ == '__main__':\n"
        "    plan = plan_from_json(json.loads(Path(sys.argv[1]).read_text()))\n"
        "    run_survey(journal_of(Path(sys.argv[2]), plan), 2, installed_only=False)\n"
    )
    script = tmp_path / "survey.py"
    script.write_text(program)
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "plan.json"), str(folder)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[3])])},
        start_new_session=True,
    )
    lines = folder / "journal.jsonl"
    wait_until(lambda: lines.exists() and lines.read_text().count("\n") >= 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    n_before = len(SurveyJournal.open(folder).done)
    assert 2 <= n_before < N_PORTIONS
    trace.write_text("")
    gate.touch()
    journal = journal_of(folder, plan)
    assert run_survey(journal, 2, installed_only=False)
    check_outcomes(SurveyJournal.open(folder))
    assert len(trace.read_text().splitlines()) == N_PORTIONS - n_before


def test_a_worker_dies(tmp_path: Path, make_plan: MakePlan) -> None:
    journal = journal_of(tmp_path / "a.survey", make_plan({"dies": str(tmp_path / "died")}))
    assert run_survey(journal, 2, installed_only=False)
    assert (tmp_path / "died").exists()
    check_outcomes(journal)


def test_workers_that_keep_dying_end_it_in_one_line(tmp_path: Path, make_plan: MakePlan) -> None:
    journal = journal_of(tmp_path / "a.survey", make_plan({"always_dies": "yes"}))
    with pytest.raises(SessionError, match="workers died 3 times"):
        run_survey(journal, 1, installed_only=False)


def test_cancel_keeps_what_is_done(tmp_path: Path, make_plan: MakePlan) -> None:
    plan = make_plan({"gate": str(tmp_path / "gate")})
    journal = journal_of(tmp_path / "a.survey", plan)
    assert not run_survey(journal, 2, cancelled=lambda: len(journal.done) >= 2, installed_only=False)
    assert 2 <= len(SurveyJournal.open(tmp_path / "a.survey").done) < N_PORTIONS


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_torn_line_is_done_again(tmp_path: Path, make_plan: MakePlan, cut: int) -> None:
    journal = journal_of(tmp_path / "a.survey", make_plan())
    run_survey(journal, 1, installed_only=False)
    path = tmp_path / "a.survey" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    again = journal_of(tmp_path / "a.survey", make_plan())
    if cut > 1:
        assert (again.n_damaged, len(again.pending)) == (1, 1)
    run_survey(again, 1, installed_only=False)
    last = SurveyJournal.open(tmp_path / "a.survey")
    assert last.n_damaged == (cut > 1)
    check_outcomes(last)


def test_every_flipped_bit_of_a_line_is_noticed(tmp_path: Path, make_plan: MakePlan) -> None:
    journal = journal_of(tmp_path / "a.survey", make_plan())
    run_survey(journal, 1, installed_only=False)
    path = tmp_path / "a.survey" / "journal.jsonl"
    whole = path.read_bytes()
    line_end = whole.index(b"\n")
    for place in range(0, line_end, 3):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << (place % 7)
        path.write_bytes(damaged)
        opened = SurveyJournal.open(tmp_path / "a.survey")
        for preparation, game in enumerate((1, 3)):
            if not any(p.preparation == preparation for p in opened.pending):
                np.testing.assert_array_equal(opened.outcomes(preparation)["sum"], 2 * game * np.arange(100, 140))


def test_on_a_cluster_with_a_worker_killed(tmp_path: Path, make_plan: MakePlan) -> None:
    distributed = pytest.importorskip("distributed", reason="headstage[cluster] is not installed")
    gate, trace = tmp_path / "gate", tmp_path / "trace"
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        journal = journal_of(tmp_path / "a.survey", make_plan({"gate": str(gate), "trace": str(trace)}))
        killed: list[int] = []

        def kill_one(done: int, total: int) -> None:
            if done >= 16 and not killed:
                killed.append(int(trace.read_text().split()[0]))
                os.kill(killed[0], signal.SIGKILL)
                gate.touch()

        assert run_survey(journal, scheduler=cluster.scheduler_address, progress=kill_one, installed_only=False)
    assert killed
    check_outcomes(SurveyJournal.open(tmp_path / "a.survey"))


def test_no_scheduler_is_one_line(tmp_path: Path, make_plan: MakePlan) -> None:
    pytest.importorskip("distributed", reason="headstage[cluster] is not installed")
    with pytest.raises(SessionError, match="does not answer"):
        run_survey(journal_of(tmp_path / "a.survey", make_plan()), scheduler="tcp://127.0.0.1:9", installed_only=False)


def test_another_survey_or_anything_else_is_never_overwritten(tmp_path: Path, make_plan: MakePlan) -> None:
    journal_of(tmp_path / "a.survey", make_plan())
    with pytest.raises(SpecError, match="another one is there"):
        journal_of(tmp_path / "a.survey", make_plan(n_frames=3))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.tex").touch()
    with pytest.raises(SpecError, match="something else"):
        journal_of(tmp_path / "b", make_plan())
    (tmp_path / "a.survey" / "plan.json").write_text("{")
    with pytest.raises(FormatError, match="cannot be read"):
        SurveyJournal.open(tmp_path / "a.survey")


def test_a_changed_preparation_is_refused(tmp_path: Path, make_plan: MakePlan) -> None:
    plan = make_plan({"made": "later"})
    with pytest.raises(SpecError, match="is another than where"):
        run_survey(journal_of(tmp_path / "a.survey", plan), 1, installed_only=False)


def test_a_plan_from_a_file_imports_nothing(tmp_path: Path, make_plan: MakePlan) -> None:
    journal_of(tmp_path / "a.survey", make_plan())
    with pytest.raises(SubjectError, match="asked for subject"):
        run_survey(SurveyJournal.open(tmp_path / "a.survey"), 1)


def test_plan_to_json_and_back(make_plan: MakePlan) -> None:
    plan = make_plan(lesions=((101,), (102, 107)))
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan
    assert plan.hash != make_plan().hash
    with pytest.raises(FormatError):
        plan_from_json({"plugin": "x"})
    with pytest.raises(SpecError, match="a lesion is"):
        make_plan(kind=PerturbationKind.DRIVE)


def test_pairs() -> None:
    text = "# carry chain\nu0 u1\n\n#102, u3\n"
    assert list(read_pairs(text, UNITS, UNITS.unit_id)) == [(100, 101), (102, 103)]
    for bad, error in (("u0", SpecError), ("u0 u0", SpecError), ("u0 u* ", SpecError), ("u0 nix", UnknownUnitError)):
        with pytest.raises(error):
            list(read_pairs(bad, UNITS, UNITS.unit_id))


def test_table(tmp_path: Path, make_plan: MakePlan) -> None:
    pairs = journal_of(tmp_path / "a.survey", make_plan(lesions=((101, 103), (102, 107))))
    run_survey(pairs, 1, installed_only=False)
    assert outcome_table(pairs, "game", UNITS).to_pydict()["unit_2"] == ["u3", "u7"] * 2
    single = journal_of(tmp_path / "b.survey", make_plan())
    run_survey(single, 1, installed_only=False)
    for name, read in (("t.csv", pyarrow.csv.read_csv), ("t.parquet", pyarrow.parquet.read_table)):
        write_table(outcome_table(single, "game", UNITS), tmp_path / name)
        back = read(tmp_path / name).to_pydict()
        assert back["unit"][:2] == ["u0", "u1"]
        assert [int(g) for g in back["game"]] == [1] * 40 + [3] * 40
        assert back["sum"] == [2 * g * u for g in (1, 3) for u in range(100, 140)]
