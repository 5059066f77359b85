"""The language model in memory: read like the library reads it, scored by hand, drawn from its own probabilities, tuned."""

import math

import numpy as np
import pytest
from scipy import stats
from text_models import CONTROL, write_tiny

from review import llm
from review.errors import ModelError
from review.generators import text_gguf, tuning
from review.llm import Message, Request, weights

torch = pytest.importorskip("torch")

PAIRS = [("What?", " the heart"), ("A longer question:", " a"), ("", "then the other there")]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return weights.check(write_tiny(tmp_path_factory.mktemp("tiny") / "tiny.gguf"))


@pytest.fixture
def base(file):
    return tuning.load_base(file)


def state(base):
    return {name: value.clone() for name, value in base.model.state_dict().items() if "lora" not in name}


def test_a_file_is_read_as_transformers_reads_it(file):
    ours, our_tokens = text_gguf.read(file)
    theirs, their_tokens = text_gguf.read(file, direct=False)
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    for name, value in ours.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[name]), name
    for text in ("the other, there 120/80", "  two  blanks\n\nÄ β", "<|im_start|>user\nthe<|im_end|>"):
        tokens = our_tokens(text)["input_ids"]
        assert tokens == their_tokens(text)["input_ids"]
        assert our_tokens.decode(tokens) == text
        given = torch.tensor([tokens])
        assert torch.equal(ours(given).logits, theirs(given).logits)
    assert our_tokens.chat_template == their_tokens.chat_template


def test_another_tokenizer_is_left_to_transformers(tmp_path, monkeypatch):
    import transformers

    theirs, asked = transformers.AutoModelForCausalLM.from_pretrained, []
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM, "from_pretrained", lambda *given, **more: asked.append(more) or theirs(*given, **more)
    )
    model, tokens = text_gguf.read(weights.check(write_tiny(tmp_path / "other.gguf", splitting="gpt-2")))
    assert [more["gguf_file"] for more in asked] == ["other.gguf"]
    assert model.config.name_or_path == "other"
    assert tokens.convert_ids_to_tokens(tokens("the")["input_ids"]) == ["t", "he"]


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9])
def test_a_file_cut_short_is_refused(file, tmp_path, kept):
    short = tmp_path / "short.gguf"
    data = file.path.read_bytes()
    short.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(ModelError, match=r"short.gguf is a damaged GGUF file .*download"):
        weights.check(short)
    with pytest.raises(ModelError, match=r"short.gguf cannot be read for training .*download it again"):
        tuning.load_base(weights.Weights(short, "short", ""))


def test_an_unknown_architecture_is_refused(tmp_path):
    path = write_tiny(tmp_path / "odd.gguf", architecture="nonsense")
    with pytest.raises(ModelError, match=r"odd.gguf cannot be read for training"):
        tuning.load_base(weights.check(path))


def test_weights_are_found_by_name(file, tmp_path, monkeypatch):
    assert tuning.find(str(file.path)) == file
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "X.GGUF").write_bytes(file.path.read_bytes())
    assert tuning.find("~/X.GGUF").sha256 == file.sha256
    assert tuning.find().sha256 == weights.SHA256
    for name in (llm.ENDPOINT, "gpt"):
        with pytest.raises(ModelError, match=f"'{name}' cannot be tuned -> give 'embedded'"):
            tuning.find(name)


def test_the_identity_says_what_the_model_is_and_not_where(base, file):
    assert base.identity["sha256"] == file.sha256
    assert base.identity["model"] == "tiny"
    assert "torch" in base.identity["build"]
    assert str(file.path.parent) not in str(dict(base.identity)) + str(base.model.config.to_dict())
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()


def test_a_prompt_has_the_form_of_the_models_template(base):
    assert tuning.chat("Hi.") == "<|im_start|>user\nHi.<|im_end|>\n<|im_start|>assistant\n"
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi."}]
    wanted = base.tokenizer.apply_chat_template(turns, tokenize=False) + "<|im_start|>assistant\n"
    assert tuning.chat("Hi.", "Be brief.") == wanted
    assert base.encode("") == [CONTROL.index("<|im_start|>")]
    assert base.pair("a", "the")[1][-1] == CONTROL.index("<|im_end|>")


def by_hand(base, prompt, completion):
    """Sum of the negative log-probabilities of the completion's tokens, from a whole forward pass."""
    before, after = base.pair(prompt, completion)
    with torch.no_grad():
        logs = base.model(torch.tensor([before + after])).logits[0].double().log_softmax(-1)
    return -sum(float(logs[len(before) - 1 + place, token]) for place, token in enumerate(after)), len(after)


def test_likelihoods_are_those_of_a_whole_forward_pass(base):
    for (loss, count), pair in zip(tuning.likelihoods(base, PAIRS), PAIRS, strict=True):
        wanted, tokens = by_hand(base, *pair)
        assert (loss, count) == (pytest.approx(wanted, rel=1e-5), tokens)


def test_perplexity_is_the_mean_over_tokens_not_texts(base):
    texts = ["the", "a much longer text about the heart"]
    both = [by_hand(base, "", text) for text in texts]
    value, tokens = tuning.perplexity(base, texts)
    assert tokens == sum(count for _, count in both)
    assert value == pytest.approx(math.exp(sum(loss for loss, _ in both) / tokens), rel=1e-5)
    assert tuning.pooled([(math.log(2), 1), (math.log(8), 2)]) == (pytest.approx(2 ** (4 / 3)), 3)


def test_the_first_loss_is_that_of_the_untuned_model_on_the_completions_only(base):
    scored = [by_hand(base, *pair) for pair in PAIRS]
    losses = tuning.tune(base, PAIRS, steps=1, batch=3)
    assert losses == [pytest.approx(sum(loss for loss, _ in scored) / sum(count for _, count in scored), rel=1e-5)]


def test_tuning_learns_the_completions_and_leaves_the_weights_alone(base):
    before, scored = state(base), tuning.likelihoods(base, PAIRS)
    stages = []
    losses = tuning.tune(base, PAIRS, steps=60, batch=3, rate=2e-2, seed=4, progress=lambda *stage: stages.append(stage))
    assert len(losses) == 60
    assert losses[-1] < 0.5 * losses[0]
    assert stages[0] == ("tune", 1, 60)
    assert stages[-1] == ("tune", 60, 60)
    assert base.tuned
    assert tuning.pooled(tuning.likelihoods(base, PAIRS))[0] < tuning.pooled(scored)[0]
    with base.untuned():
        assert tuning.likelihoods(base, PAIRS) == scored
    trained = {name for name, value in base.model.named_parameters() if value.requires_grad}
    assert len(trained) == 2 * 2 * 2  # layers, projections, two factors each
    assert all("lora" in name and ("q_proj" in name or "v_proj" in name) for name in trained)
    base.model = base.model.unload()
    assert all(torch.equal(value, before[name]) for name, value in state(base).items())
    with base.untuned():
        assert tuning.likelihoods(base, PAIRS) == scored


def test_tuning_again_starts_anew_and_the_seed_decides(file):
    first, second = tuning.load_base(file), tuning.load_base(file)
    tuning.tune(second, PAIRS[:1], steps=3, batch=2, seed=9)
    runs = [tuning.tune(base, PAIRS, steps=5, batch=2, rate=1e-2, seed=1) for base in (first, second, second)]
    assert runs[0] == runs[1] == runs[2]
    assert tuning.likelihoods(first, PAIRS) == tuning.likelihoods(second, PAIRS)
    assert tuning.tune(first, PAIRS, steps=5, batch=2, rate=1e-2, seed=2) != runs[0]
    torch.manual_seed(5)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    tuning.tune(first, PAIRS, steps=1)
    assert torch.rand(1) == drawn  # the process' own random numbers are left alone


def test_every_example_is_used_before_any_is_used_again(file, monkeypatch):
    base, seen = tuning.load_base(file), []
    taken = tuning._losses
    monkeypatch.setattr(tuning, "_losses", lambda base, pairs: (seen.extend(map(str, pairs)), taken(base, pairs))[1])
    tuning.tune(base, [(str(place), "the") for place in range(6)], steps=3, batch=4)
    assert len(set(seen[:6])) == 6
    assert len(set(seen[6:])) == 6


@pytest.mark.parametrize(("examples", "steps"), [([], 1), (PAIRS, 0)])
def test_nothing_to_tune_on_is_refused(base, examples, steps):
    with pytest.raises(ValueError, match="at least one example and one step"):
        tuning.tune(base, examples, steps=steps)


def test_without_temperature_the_most_probable_token_is_taken(base):
    drawn = tuning.sample(base, ["the heart"], max_tokens=6, temperature=0, seeds=[0])[0]
    tokens = base.encode("the heart")
    for _ in range(6):
        following = int(base.model(torch.tensor([tokens])).logits[0, -1].argmax())
        if following == base.tokenizer.convert_tokens_to_ids(tuning.END):
            break
        tokens.append(following)
    assert drawn.text == base.tokenizer.decode(tokens[len(base.encode("the heart")) :], skip_special_tokens=True)


def nucleus(probabilities, top_p):
    """The most probable values that together have at least ``top_p``, by hand."""
    order = np.argsort(probabilities)[::-1]
    kept = order[: int(np.searchsorted(np.cumsum(probabilities[order]), top_p)) + 1]
    return {int(place): probabilities[place] / probabilities[kept].sum() for place in kept}


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (1.5, 0.8)])
def test_draws_follow_the_models_probabilities(base, temperature, top_p):
    with torch.no_grad():
        logits = base.model(torch.tensor([base.encode("the")])).logits[0, -1].double()
    wanted = nucleus((logits / temperature).softmax(-1).numpy(), top_p)
    count = 1500
    drawn = tuning.sample(
        base, ["the"] * count, max_tokens=1, temperature=temperature, top_p=top_p, seeds=range(count), batch=500
    )
    names = {token: base.tokenizer.decode([token], skip_special_tokens=True) for token in wanted}
    seen = [item.text for item in drawn]
    assert set(seen) <= set(names.values())
    frequent = [token for token, share in wanted.items() if share * count >= 8 and names[token] not in ("", "�")]
    counts = [seen.count(names[token]) for token in frequent]
    expected = [wanted[token] * count for token in frequent]
    rest = (count - sum(counts), count - sum(expected))
    if rest[1] > 1:
        counts, expected = [*counts, rest[0]], [*expected, rest[1]]
    assert len(counts) > 3
    assert stats.chisquare(counts, np.array(expected) * sum(counts) / sum(expected)).pvalue > 0.001


def test_an_item_depends_on_its_own_seed_only(base):
    prompts, seeds = ["the", "a much longer prompt about the heart", "", "other"], [5, 6, 7, 8]
    together = tuning.sample(base, prompts, max_tokens=12, seeds=seeds)
    assert together == tuning.sample(base, prompts, max_tokens=12, seeds=seeds)
    for batch in (1, 3):
        assert tuning.sample(base, prompts, max_tokens=12, seeds=seeds, batch=batch) == together
    assert tuning.sample(base, prompts, max_tokens=12, seeds=[5, 0, 7, 8])[0] == together[0]
    assert tuning.sample(base, prompts, max_tokens=12, seeds=[9, 6, 7, 8])[0] != together[0]
    with pytest.raises(ValueError, match="2 seeds for 4 prompts"):
        tuning.sample(base, prompts, max_tokens=12, seeds=[5, 6])
    stages = []
    tuning.sample(base, prompts, max_tokens=1, seeds=seeds, batch=3, progress=lambda *stage: stages.append(stage))
    assert stages == [("sample", 3, 4), ("sample", 4, 4)]


def test_an_end_is_told_from_a_cut(base):
    drawn = tuning.sample(base, ["the"] * 24, max_tokens=60, temperature=1.0, top_p=1.0, seeds=range(24), batch=24)
    assert {item.finished for item in drawn} == {True, False}
    tuning.tune(base, [("the", "a")], steps=80, batch=1, rate=3e-2)
    assert tuning.sample(base, ["the"], max_tokens=9, temperature=0, seeds=[0]) == [tuning.Sampled("a", True)]
    with base.untuned():
        assert tuning.sample(base, ["the"], max_tokens=9, temperature=0, seeds=[0]) != [tuning.Sampled("a", True)]


@pytest.mark.slow
def test_the_embedded_model_answers_as_in_the_runtime():
    question = "What is a fever?"
    base = tuning.load_base(tuning.find())
    turns = [{"role": "user", "content": question}]
    prompt = base.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    with llm.load() as model:
        answer = model.complete(Request((Message("user", question),), max_tokens=10, temperature=0))
    assert answer.prompt_tokens == len(base.encode(prompt))
    assert answer.completion_tokens == 10
    drawn = tuning.sample(base, [prompt], max_tokens=10, temperature=0, seeds=[0])
    assert drawn == [tuning.Sampled(answer.text, False)]
