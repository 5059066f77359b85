"""The calibrated choice: against brute force, by hand, and on the committed corpus."""

import csv
import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.optimize
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from review import corpus, errors, paths, selection
from review.selection import SIZE, Problem, Target

CODEBOOK = """
review: {title: Small, citation: Nobody 2026, version: v1}
dimensions:
  modality:
    title: Modality
    kind: single
    definition: what
    categories:
      text: {title: T, definition: d, include: i, exclude: e}
      tabular: {title: T, definition: d, include: i, exclude: e}
  evaluation:
    title: Evaluation
    kind: multiple
    definition: how
    categories:
      human: {title: T, definition: d, include: i, exclude: e}
      llm-judge: {title: T, definition: d, include: i, exclude: e}
  domain:
    title: Domain
    kind: single
    definition: where
    categories:
      clinic: {title: T, definition: d, include: i, exclude: e}
"""
ENTRY = "@article{{{key},\n  title = {{{key}}},\n  author = {{Doe, Jane}},\n  journal = {{J}},\n  year = {{2024}},{more}\n}}\n"
CODING = "key,dimension,coder,value,confidence,evidence,source,scope"
SCREENING = "key,stage,decision,reason,note,verified_on,seen,source,title,year,doi,arxiv,pmid"
PUBLISHED = "version,dimension,category,share,total,source,date,note"


def build(
    folder: Path, studies: dict[str, str], coding: list[str], screening: list[str] = (), published: list[str] = ()
) -> corpus.Corpus:
    """A corpus of studies (key: field of the identifier) with rows of ``key dimension coder value confidence``."""
    fields = {"doi": "doi = {10.1000/KEY}", "arxiv": "eprint = {KEY}, archiveprefix = {arXiv}", "pmid": "pmid = {1}", "": ""}
    entries = [
        ENTRY.format(key=key, more="\n  " + fields[kind].replace("KEY", key) if kind else "") for key, kind in studies.items()
    ]
    (folder / paths.BIBLIOGRAPHY).write_text("\n".join(entries), encoding="utf-8")
    (folder / paths.CODEBOOK).write_text(CODEBOOK, encoding="utf-8")
    rows = [",".join([*row.split(" "), "", "", ""]) for row in coding]
    (folder / paths.CODING).write_text("\n".join([CODING, *rows, ""]), encoding="utf-8")
    if screening:
        (folder / paths.SCREENING).write_text("\n".join([SCREENING, *screening, ""]), encoding="utf-8")
    if published:
        rows = [",".join([*row.split(" "), "page,2026-01-01,"]) for row in published]
        (folder / paths.PUBLISHED).write_text("\n".join([PUBLISHED, *rows, ""]), encoding="utf-8")
    return corpus.load(folder)


def screened(key: str, decision: str = "verified", note: str = "") -> str:
    reason, day = ("", "2026-01-01") if decision == "verified" else ("identity-incomplete", "")
    return f"{key},verification,{decision},{reason},{note},{day},,,{key},2024,,,"


def given_problem(matrix: np.ndarray, counts: list[int], preference: list[int]) -> Problem:
    keys = tuple(f"k{index:02}" for index in range(matrix.shape[1]))
    wanted = tuple(Target("d", f"c{row}", count) for row, count in enumerate(counts))
    return Problem(keys, matrix.astype(np.int8), wanted, np.array(preference, dtype=np.int64))


def every_choice(size: int) -> np.ndarray:
    """All vectors of zeros and ones, the lexicographically greatest first."""
    return np.array(list(itertools.product((1, 0), repeat=size)), dtype=np.int64).reshape(2**size, size)


def meeting(problem: Problem, rows: tuple[int, ...] | None = None) -> np.ndarray:
    """All selections that meet the targets (in ``rows``), by trying every subset of the candidates."""
    rows = range(len(problem.targets)) if rows is None else rows
    choices = every_choice(len(problem.keys))
    fits = np.ones(len(choices), dtype=bool)
    for row in rows:
        fits &= choices @ problem.matrix[row].astype(np.int64) == problem.targets[row].count
    return choices[fits]


def brute_force(problem: Problem) -> tuple[str, ...] | None:
    """Of all selections that meet the targets the greatest preference, of those the lexicographically greatest vector."""
    found = meeting(problem)
    if not len(found):
        return None
    best = found[int(np.argmax(found @ problem.preference))]  # argmax gives the first of several
    return tuple(itertools.compress(problem.keys, best))


def smallest_clash(problem: Problem) -> int:
    rows = range(len(problem.targets))
    sizes = (size for size in rows for subset in itertools.combinations(rows, size) if not len(meeting(problem, subset)))
    return next(sizes, len(problem.targets))


@st.composite
def pools(draw: st.DrawFn) -> Problem:
    """Up to 12 candidates, up to 5 targets; the counts are those of some subset, now and then shifted."""
    size, rows = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrix = rng.integers(0, 2, (rows, size))
    if draw(st.booleans()):
        matrix[0] = 1
    counts = matrix @ rng.integers(0, 2, size)
    if draw(st.booleans()):
        counts[rng.integers(rows)] += rng.integers(-2, 3)
    preference = rng.integers(-4, draw(st.sampled_from([-3, -1, 2, 9])), size)  # few values: many ties
    return given_problem(matrix, [max(0, int(count)) for count in counts], preference.tolist())


@pytest.fixture(scope="module")
def real() -> corpus.Corpus:
    return corpus.load()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(pools())
def test_solver_equals_brute_force(problem):
    expected = brute_force(problem)
    if expected is None:
        with pytest.raises(errors.InfeasibleError):
            selection.solve(problem)
    else:
        assert selection.solve(problem) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pools())
def test_clash_is_empty_or_smallest(problem):
    clash = selection.clash(problem)
    if len(meeting(problem)):
        assert clash == ()
        return
    assert len(clash) == smallest_clash(problem)
    rows = tuple(problem.targets.index(target) for target in clash)
    assert not len(meeting(problem, rows))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(pools())
def test_infeasible_message_names_the_clash(problem):
    assume(not len(meeting(problem)))
    with pytest.raises(errors.InfeasibleError) as caught:
        selection.solve(problem)
    names = "; ".join(str(target) for target in selection.clash(problem))
    assert str(caught.value) == (
        f"no selection of {len(problem.keys)} studies meets: {names} -> verify more studies of these codes"
    )


def table(**columns: list[object]) -> pd.DataFrame:
    """Candidates as :func:`selection.candidates` gives them."""
    frame = pd.DataFrame({"key": pd.array(columns.pop("key"), dtype="string")})
    frame["modality"] = pd.array(columns.pop("modality"), dtype="string")
    for name in [name for name in columns if name != "preference"]:
        frame[name] = pd.array(columns[name], dtype="boolean")
    frame["preference"] = columns["preference"]
    return frame


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(8)))
def test_the_order_of_the_candidates_does_not_matter(order):
    frame = table(
        key=[f"s{index}" for index in range(8)],
        modality=["text", "text", "tabular", "text", None, "tabular", "text", "tabular"],
        evaluation_human=[True, False, None, True, True, False, None, True],
        preference=[1, 1, 2, 1, 5, 2, 1, 2],
    )
    wanted = (Target(*SIZE, 4), Target("modality", "text", 2), Target("modality", "tabular", 2), Target("evaluation", "human", 2))
    shuffled = frame.iloc[list(order)].reset_index(drop=True)
    problem = selection.problem(shuffled, wanted)
    assert problem.keys == tuple(f"s{index}" for index in range(8))
    # every choice is worth 6; s0 and s1 go first, so s0 is one human study and the other must be tabular: s7; then s2
    assert selection.solve(problem) == ("s0", "s1", "s2", "s7")


def test_membership_counts_unknown_as_not():
    frame = table(
        key=["a", "b", "c"], modality=["text", None, "tabular"], evaluation_human=[None, True, False], preference=[0, 0, 0]
    )
    wanted = (Target(*SIZE, 3), Target("modality", "text", 1), Target("evaluation", "human", 1))
    assert selection.problem(frame, wanted).matrix.tolist() == [[1, 1, 1], [1, 0, 0], [0, 1, 0]]


def test_ties_go_to_the_earlier_keys():
    # all pairs with one of each kind are worth 2: a or d with b or c
    problem = given_problem(np.array([[1, 1, 1, 1], [1, 0, 0, 1]]), [2, 1], [1, 1, 1, 1])
    assert selection.solve(problem) == ("k00", "k01")


def test_preference_goes_before_the_order_of_keys():
    problem = given_problem(np.array([[1, 1, 1, 1]]), [2], [1, 0, 1, 2])
    assert selection.solve(problem) == ("k00", "k03")


def test_a_vector_with_one_more_study_is_lexicographically_greater():
    # without a target for the size, {k00, k01} and {k00} meet the target and are worth the same
    problem = given_problem(np.array([[1, 0]]), [1], [0, 0])
    assert selection.solve(problem) == ("k00", "k01")


def test_no_candidates_and_nothing_to_meet():
    problem = given_problem(np.zeros((2, 0)), [0, 0], [])
    assert selection.clash(problem) == ()
    assert selection.solve(problem) == ()


def test_no_candidates_name_a_target_that_cannot_be_met():
    problem = given_problem(np.zeros((3, 0)), [0, 2, 1], [])
    assert selection.clash(problem) == (problem.targets[1],)
    with pytest.raises(errors.InfeasibleError, match=r"no selection of 0 studies meets: d c1 = 2 ->"):
        selection.solve(problem)


def test_a_solver_that_gives_up_is_not_taken_for_an_answer(monkeypatch):
    outcome = SimpleNamespace(status=1, x=np.ones(3), message="Time limit reached.")
    monkeypatch.setattr(scipy.optimize, "milp", lambda *_, **__: outcome)
    with pytest.raises(errors.ReviewError, match=r"the solver stopped without an answer: Time limit reached\.") as caught:
        selection.solve(given_problem(np.ones((1, 3)), [2], [0, 0, 0]))
    assert not isinstance(caught.value, errors.InfeasibleError)  # nothing was shown to be infeasible


def test_a_target_reads_as_a_sentence():
    assert str(Target("modality", "text", 46)) == "modality text = 46"
    assert str(Target("", "", 59)) == str(Target(*SIZE, 59)) == "number of studies = 59"


@pytest.mark.parametrize(("size", "clash"), [(12, [0]), (13, [11, 12])])
def test_up_to_twelve_targets_the_smallest_clash_is_found(size, clash):
    # the first target alone cannot be met; the last two contradict each other; the rest can be met
    matrix = np.zeros((size, 6), dtype=int)
    matrix[:, :3] = 1
    matrix[0] = 0
    counts = [1] * (size - 1) + [2]
    problem = given_problem(matrix, counts, [0] * 6)
    assert [problem.targets.index(target) for target in selection.clash(problem)] == clash


@pytest.mark.parametrize("seed", range(8))
def test_deletion_filter_gives_an_irreducible_clash(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, 2, (15, 9))
    counts = matrix @ rng.integers(0, 2, 9)
    counts[rng.integers(15)] += 1
    problem = given_problem(matrix, counts.tolist(), [0] * 9)
    assume_infeasible = not len(meeting(problem))
    clash = [problem.targets.index(target) for target in selection.clash(problem)]
    assert bool(clash) == assume_infeasible
    if clash:
        assert not len(meeting(problem, tuple(clash)))
        assert all(len(meeting(problem, tuple(row for row in clash if row != left))) for left in clash)


def test_deletion_filter_met_a_clash_of_several_targets():
    """The cases above are worth something only if some of their clashes have more than two members."""
    sizes = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        matrix = rng.integers(0, 2, (15, 9))
        counts = matrix @ rng.integers(0, 2, 9)
        counts[rng.integers(15)] += 1
        sizes.append(len(selection.clash(given_problem(matrix, counts.tolist(), [0] * 9))))
    assert max(sizes) > 2


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_committed_selection_is_solved_again(real, version):
    with (paths.DATA / paths.SELECTION).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["selection"] == version]
    assert {row["basis"] for row in rows} == {"calibrated"}
    assert selection.calibrate(real, version) == tuple(row["key"] for row in rows)
    assert len(rows) == 59


def test_committed_file_is_what_to_csv_writes(real):
    chosen = {version: real.selections[version] for version in ("v2", "v1")}
    assert selection.to_csv(chosen) == (paths.DATA / paths.SELECTION).read_text(encoding="utf-8")


def test_csv_sorts_names_and_keys():
    text = selection.to_csv({"b": ["z", "y"], "a": ["x"]}, "listed")
    assert text.splitlines() == ["selection,key,basis", "a,x,listed", "b,y,listed", "b,z,listed"]


def test_targets_of_the_second_version(real):
    assert [str(target) for target in selection.targets(real, "v2")] == [
        "number of studies = 59",
        *("modality text = 46", "modality tabular = 8", "modality multimodal = 5"),
        *("method prompting = 44", "method fine-tuning = 12", "method specialized = 3"),
        *("evaluation intrinsic = 16", "evaluation human = 26", "evaluation llm = 8"),
    ]


def test_no_feasible_exchange_of_two_studies_is_better(real):
    """A local check at full size: no swap within equal codes raises the preference or brings an earlier key."""
    problem = selection.problem(selection.candidates(real), selection.targets(real, "v2"))
    taken = np.isin(problem.keys, real.selections["v2"])
    assert (problem.matrix[:, taken].sum(axis=1) == [target.count for target in problem.targets]).all()
    for inside, outside in itertools.product(np.flatnonzero(taken), np.flatnonzero(~taken)):
        if (problem.matrix[:, inside] == problem.matrix[:, outside]).all():
            assert (problem.preference[inside], -inside) > (problem.preference[outside], -outside)


def test_candidates_of_the_committed_corpus_are_verified_and_identified(real):
    frame = selection.candidates(real)
    assert set(frame["status"]) == {"verified"}
    assert (frame[["doi", "arxiv", "pmid", "pmcid"]] != "").any(axis=1).all()
    assert list(frame["key"]) == sorted(frame["key"])


def test_candidates_are_verified_and_have_an_identifier(tmp_path):
    small = build(
        tmp_path,
        {"z": "doi", "b": "arxiv", "c": "pmid", "d": "", "e": "doi"},
        ["z modality consensus text "],
        [screened("z"), screened("b"), screened("c"), screened("d"), screened("e", "unverified")],
    )
    frame = selection.candidates(small)
    assert list(frame["key"]) == ["b", "c", "z"]
    assert list(frame["preference"]) == [0, 0, 0]
    assert frame.index.tolist() == [0, 1, 2]
    assert list(frame.columns) == [*small.studies().columns, "preference"]


def test_without_a_screening_table_all_identified_studies_are_candidates(tmp_path):
    small = build(tmp_path, {"a": "doi", "b": "", "c": "pmid"}, ["a modality consensus text "])
    assert list(selection.candidates(small)["key"]) == ["a", "c"]


def test_preferences_by_hand(tmp_path):
    small = build(
        tmp_path,
        {"s1": "doi", "s2": "doi", "s3": "doi", "s4": "doi"},
        [
            "s1 modality a text high",  # 2
            "s1 modality b text medium",  # 1
            "s1 modality verifier text low",  # 0
            "s1 modality consensus text high",  # not a coder
            "s1 domain a clinic high",  # not published
            "s2 evaluation a human medium",  # the best label of a counts:
            "s2 evaluation a llm-judge high",  # 2
            "s2 evaluation b human low",  # 0
            "s2 evaluation b llm-judge ",  # 0
            "s2 modality a tabular medium",  # 1, less 4 for the remark
            "s3 modality a text ",  # 0
        ],
        [
            screened("s1"),
            screened("s2", note="fine | borderline: scope"),
            screened("s3"),
            screened("s4", note="borderline: both"),
        ],
        ["v1 modality text 50.0 2", "v1 evaluation human 50.0 2"],
    )
    assert selection.preferences(small) == {"s1": 3, "s2": 3 - 4, "s3": 0, "s4": -4}
    assert list(selection.candidates(small)["preference"]) == [3, -1, 0, -4]


SIX = {"a1": "doi", "a2": "doi", "a3": "doi", "b1": "doi", "b2": "doi", "b3": ""}
CODES = [
    *("a1 modality consensus text ", "a2 modality consensus text ", "a3 modality consensus text "),
    *("b1 modality consensus tabular ", "b2 modality consensus tabular ", "b3 modality consensus tabular "),
    *("a1 evaluation consensus llm-judge ", "a2 evaluation consensus human ", "b1 evaluation consensus human "),
    *("b2 evaluation consensus human ", "b2 evaluation consensus llm-judge "),
    *("a3 modality a text high", "b2 modality a tabular high", "b3 modality a tabular high", "b3 modality b tabular high"),
]


def test_calibrate_by_hand(tmp_path):
    # two texts and one table, one of them judged by a model: a3 and b2 are preferred, b2 is the judged one, then a2 for a1
    small = build(
        tmp_path,
        SIX,
        CODES,
        published=["v1 modality text 66.7 3", "v1 modality tabular 33.3 3", "v1 evaluation llm-judge 33.3 3"],
    )
    assert selection.calibrate(small, "v1") == ("a2", "a3", "b2")
    assert selection.calibrate(small, "default") == ("a2", "a3", "b2")


def test_undetermined_shares_are_no_targets(tmp_path):
    # of 400, 50 % stands for several counts; of 3, 50.0 % for none
    rows = ["v1 modality text 66.7 3", "v1 modality tabular 33.3 3", "v1 evaluation human 50.0 3", "v2 modality text 50 400"]
    small = build(tmp_path, SIX, CODES, published=rows)
    assert [str(target) for target in selection.targets(small, "v1")] == [
        *("number of studies = 3", "modality text = 2", "modality tabular = 1")
    ]
    assert selection.targets(small, "v2") == ()
    with pytest.raises(errors.InfeasibleError, match="version 'v2' publishes no count to meet"):
        selection.calibrate(small, "v2")


def test_infeasible_corpus_names_its_targets(tmp_path):
    # three tables are wanted; b3 has no identifier
    small = build(tmp_path, SIX, CODES, published=["v1 modality text 25.0 4", "v1 modality tabular 75.0 4"])
    with pytest.raises(errors.InfeasibleError, match=r"no selection of 5 studies meets: modality tabular = 3 -> verify more"):
        selection.calibrate(small, "v1")


def test_clash_of_two_targets_in_a_corpus(tmp_path):
    # the total of 2 leaves no room for one text, two tables
    small = build(tmp_path, SIX, CODES, published=["v1 modality text 50.0 2", "v1 modality tabular 50.0 2"])
    wanted = (*selection.targets(small, "v1")[:2], Target("modality", "tabular", 2))
    problem = selection.problem(selection.candidates(small), wanted)
    assert selection.clash(problem) == wanted


def test_unknown_version(tmp_path):
    small = build(tmp_path, SIX, CODES, published=["v1 modality text 100.0 2"])
    with pytest.raises(errors.UnknownNameError, match="no version named 'v9'"):
        selection.calibrate(small, "v9")


def test_nothing_is_published(tmp_path):
    small = build(tmp_path, SIX, CODES)
    assert selection.targets(small, "") == ()
    assert selection.preferences(small) == {}


def test_a_selection_is_calibrated_unless_it_is_said_to_be_listed():
    assert selection.to_csv({"a": ["x"]}).splitlines() == ["selection,key,basis", "a,x,calibrated"]


def test_the_number_of_studies_is_the_largest_total_of_a_version(tmp_path):
    rows = ["v1 modality text 66.7 3", "v1 evaluation human 50.0 4", "v2 evaluation human 50.0 6"]
    small = build(tmp_path, SIX, CODES, published=rows)
    assert str(selection.targets(small, "v1")[0]) == "number of studies = 4"


def test_of_several_smallest_clashes_the_first_is_named():
    # one study and two, and two studies and one, contradict each other
    problem = given_problem(np.ones((3, 3), dtype=int), [1, 2, 1], [0, 0, 0])
    assert selection.clash(problem) == problem.targets[:2]


def test_a_problem_has_whole_numbers_even_if_no_study_is_a_candidate(tmp_path):
    small = build(tmp_path, {"a": ""}, ["a modality consensus text "], published=["v1 modality text 100.0 1"])
    problem = selection.problem(selection.candidates(small), selection.targets(small, "v1"))
    assert (problem.matrix.shape, problem.preference.shape) == ((2, 0), (0,))
    assert (problem.matrix.dtype, problem.preference.dtype) == (np.int8, np.int64)
    with pytest.raises(errors.InfeasibleError, match="no selection of 0 studies meets: number of studies = 1 ->"):
        selection.calibrate(small, "v1")
