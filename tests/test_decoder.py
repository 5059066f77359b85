"""The decoder sees no later token, learns what can be learnt, and gives the same bytes for the same seed."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from review import paths
from review.errors import ModelError, OptionError
from review.generators import decoder
from review.generators.decoder import Decoder

CYCLE = [0, 1, 2, 3, 4] * 3
CHAIN = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]])


@pytest.fixture(scope="module")
def cycle():
    return decoder.fit([CYCLE], vocabulary=5, steps=120, width=16, layers=1, heads=2, rate=1e-2, seed=1)


@pytest.fixture(scope="module")
def chain():
    draw = np.random.default_rng(3)
    sequences = []
    for _ in range(400):
        states = [int(draw.integers(3))]
        while len(states) < 20:
            states.append(int(draw.choice(3, p=CHAIN[states[-1]])))
        sequences.append(states)
    return sequences, decoder.fit(sequences, vocabulary=3, steps=250, width=16, layers=1, heads=2, rate=1e-2, seed=2)


def small(**changed):
    return Decoder(**{"vocabulary": 7, "width": 16, "layers": 2, "heads": 4, "context": 12, "seed": 5} | changed)


def test_a_later_token_changes_no_earlier_logit():
    model = small().eval()
    first = torch.tensor([[1, 2, 3, 4, 5, 6, 0, 1]])
    for place in range(1, 8):
        second = first.clone()
        second[0, place:] = (second[0, place:] + 3) % 7
        before, after = model(first), model(second)
        torch.testing.assert_close(before[:, :place], after[:, :place], rtol=0, atol=1e-7)
        assert (before[:, place] - after[:, place]).abs().max() > 1e-5


def test_logits_depend_on_earlier_tokens_and_on_their_order():
    model = small().eval()
    one, other = model(torch.tensor([[1, 2, 3]]))[0, -1], model(torch.tensor([[2, 1, 3]]))[0, -1]
    assert (one - other).abs().max() > 1e-6


def test_attention_is_that_of_the_formula():
    """One block against matrices written out: softmax of scaled products over the tokens so far."""
    model = small(layers=1, heads=1).eval()
    block = model.blocks[0]
    x = torch.randn(1, 5, 16, generator=torch.Generator().manual_seed(0))
    query, key, value = (block.first(x) @ block.mix.weight.T + block.mix.bias)[0].split(16, dim=1)
    scores = query @ key.T / math.sqrt(16)
    scores[torch.triu(torch.ones(5, 5), 1) == 1] = -math.inf
    middle = x[0] + scores.softmax(1) @ value @ block.out.weight.T + block.out.bias
    up = block.second(middle) @ block.up.weight.T + block.up.bias
    expected = middle + (0.5 * up * (1 + torch.erf(up / math.sqrt(2)))) @ block.down.weight.T + block.down.bias
    torch.testing.assert_close(block(x)[0][0], expected, rtol=1e-5, atol=1e-6)


def test_the_memory_gives_the_logits_of_the_whole_sequence():
    model = small().eval()
    tokens = torch.tensor([[3, 1, 4, 1, 5, 2, 6]])
    memory: list = []
    parts = [model(tokens[:, :3], memory), *(model(tokens[:, place : place + 1], memory) for place in range(3, 7))]
    torch.testing.assert_close(torch.cat(parts, 1), model(tokens), rtol=1e-5, atol=1e-6)


def test_a_cycle_is_learnt_to_no_loss_and_continued(cycle):
    assert cycle.losses[0] == pytest.approx(math.log(5), abs=0.2)
    assert cycle.losses[-1] < 0.01
    assert decoder.likelihood(cycle.decoder, [CYCLE])[0] < 0.01
    [made] = decoder.sample(cycle.decoder, [[0]], length=15, temperature=1, seeds=[0])
    assert made == CYCLE
    [made] = decoder.sample(cycle.decoder, [[0, 1]], length=15, temperature=0, seeds=[9], end=4)
    assert made == [0, 1, 2, 3, 4]


def test_a_markov_chain_is_recovered(chain):
    """Transitions of sampled sequences against those that the data was drawn with; the loss against its entropy rate."""
    sequences, fitted = chain
    made = decoder.sample(fitted.decoder, [[seed % 3] for seed in range(150)], length=20, seeds=range(150))
    counts = np.zeros((3, 3))
    for states in made:
        np.add.at(counts, (states[:-1], states[1:]), 1)
    found = counts / counts.sum(1, keepdims=True)
    assert np.abs(found - CHAIN).max() < 0.05
    seen = np.bincount([state for states in sequences for state in states[:-1]], minlength=3) / (19 * len(sequences))
    entropy = float(-(seen[:, None] * CHAIN * np.log(CHAIN)).sum())
    assert decoder.likelihood(fitted.decoder, sequences)[0] == pytest.approx(entropy, abs=0.03)


def test_likelihood_is_the_mean_of_log_softmax_over_predicted_tokens():
    model = small().eval()
    sequences = [[1, 2, 3], [4, 5]]
    logits = [model(torch.tensor([sequence[:-1]]))[0].double() for sequence in sequences]
    by_hand = 0.0
    for sequence, rows in zip(sequences, logits, strict=True):
        for token, row in zip(sequence[1:], rows, strict=True):
            values = [math.exp(value) for value in row.tolist()]
            by_hand -= math.log(values[token] / sum(values))
    found, tokens = decoder.likelihood(model, sequences)
    assert tokens == 3
    assert found == pytest.approx(by_hand / 3, rel=1e-5)


def test_temperature_and_mask_change_the_draw_as_they_should():
    model = small()
    many = decoder.sample(model, [[0]] * 400, length=2, temperature=1, seeds=range(400))
    with torch.no_grad():
        shares = model(torch.tensor([[0]]))[0, -1].softmax(0).numpy()
    found = np.bincount([tokens[1] for tokens in many], minlength=7) / 400
    assert np.abs(found - shares).max() < 4 * math.sqrt(0.25 / 400)
    likely = int(shares.argmax())
    assert {tokens[1] for tokens in decoder.sample(model, [[0]] * 20, length=2, temperature=0, seeds=range(20))} == {likely}
    others = [token for token in range(7) if token != likely]
    seen: list = []

    def mask(position, tokens):
        seen.append((position, list(tokens)))
        return others if position == 1 else None

    masked = decoder.sample(model, [[0]] * 300, length=3, temperature=1, seeds=range(300), allowed=mask)
    found = np.bincount([tokens[1] for tokens in masked], minlength=7) / 300
    expected = np.where(np.arange(7) == likely, 0, shares) / (1 - shares[likely])
    assert found[likely] == 0
    assert np.abs(found - expected).max() < 4 * math.sqrt(0.25 / 300)
    assert seen[0] == (1, [0])
    assert all(position == len(tokens) for position, tokens in seen)
    assert len({tokens[2] for tokens in masked}) == 7


def test_a_mask_of_one_token_leaves_no_choice():
    forced = decoder.sample(small(), [[0], [1]], length=6, seeds=[1, 2], allowed=lambda position, _: [position])
    assert forced == [[0, 1, 2, 3, 4, 5], [1, 1, 2, 3, 4, 5]]


def test_an_item_does_not_depend_on_its_batch_mates():
    model = small()
    prefixes = [[token, 1, 2][: 1 + token % 3] for token in range(7)]
    together = decoder.sample(model, prefixes, length=12, seeds=range(10, 17))
    for index in (0, 3, 6):
        assert decoder.sample(model, [prefixes[index]], length=12, seeds=[10 + index]) == [together[index]]
    assert decoder.sample(model, prefixes[::-1], length=12, seeds=range(16, 9, -1)) == together[::-1]


def test_the_same_seed_gives_the_same_weights_losses_and_draws():
    torch.manual_seed(1)
    options = {"vocabulary": 5, "steps": 8, "batch": 2, "width": 8, "layers": 1, "heads": 2, "dropout": 0.1}
    data = [[0, 1, 2], [3, 4], [2, 2, 2, 1]]
    first = decoder.fit(data, seed=4, **options)
    state = torch.random.get_rng_state()
    torch.manual_seed(2)
    second = decoder.fit(data, seed=4, **options)
    assert first.losses == second.losses
    assert first.decoder.checksum == second.decoder.checksum
    other = decoder.fit(data, seed=5, **options)
    assert other.decoder.checksum != first.decoder.checksum
    torch.manual_seed(1)
    assert torch.equal(state, torch.random.get_rng_state())  # training leaves the global generator as it was
    one, two = (decoder.sample(item.decoder, [[0]] * 5, length=4, seeds=range(5)) for item in (first, second))
    assert one == two


def test_another_process_with_more_threads_gets_the_same_bytes():
    code = (
        "import torch; torch.set_num_threads(2)\n"
        "from review.generators import decoder\n"
        "made = decoder.fit([[0, 1, 2, 3] * 8] * 8, vocabulary=4, steps=3, width=64, seed=1)\n"
        "print(made.decoder.checksum, torch.get_num_threads())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=paths.ROOT)
    here = decoder.fit([[0, 1, 2, 3] * 8] * 8, vocabulary=4, steps=3, width=64, seed=1)
    assert run.stdout.split() == [here.decoder.checksum, "2"]


def test_padding_does_not_count():
    """Short sequences beside long ones: the padding's number changes neither loss nor weights."""
    options = {"vocabulary": 6, "steps": 5, "batch": 3, "width": 8, "layers": 1, "heads": 2, "seed": 1}
    data = [[0, 1], [2, 3, 4, 1, 2], [1, 1, 1]]
    one, two = decoder.fit(data, padding=0, **options), decoder.fit(data, padding=5, **options)
    assert one.losses == pytest.approx(two.losses, rel=1e-6)
    start = Decoder(6, 8, 1, 2, 5, seed=1)
    assert one.losses[0] == pytest.approx(decoder.likelihood(start, data)[0], rel=1e-5)


def test_watched_sequences_are_scored_and_nothing_is_learnt_from_them():
    options = {"vocabulary": 5, "steps": 7, "batch": 2, "width": 8, "layers": 1, "heads": 2, "seed": 3, "dropout": 0.2}
    data, other = [[0, 1, 2], [3, 4, 1]], [[4, 4, 4]]
    plain = decoder.fit(data, **options)
    watching = decoder.fit(data, watch=other, every=3, **options)
    assert [step for step, _ in watching.watched] == [0, 3, 6, 7]
    assert watching.watched[0][1] == decoder.likelihood(Decoder(5, 8, 1, 2, 3, seed=3), other)[0]
    assert watching.watched[-1][1] == decoder.likelihood(watching.decoder, other)[0]
    assert plain.watched == ()
    assert (plain.losses, plain.decoder.checksum) == (watching.losses, watching.decoder.checksum)


def test_progress_is_told_and_the_size_is_that_of_the_weights(cycle):
    seen = []
    decoder.fit([[0, 1]], vocabulary=2, steps=3, width=4, heads=1, layers=1, progress=lambda *step: seen.append(step))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    width = 16
    block = 2 * 2 * width + 4 * (width * width) + 4 * width + 8 * width * width + 5 * width
    assert cycle.decoder.size == 5 * width + 15 * width + block + 2 * width


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Decoder(5, 10, 1, 4), "4 heads do not divide the width 10"),
        (lambda: Decoder(0), "are 1 or more"),
        (lambda: decoder.fit([], vocabulary=2, steps=1), "give at least one"),
        (lambda: decoder.fit([[1]], vocabulary=2, steps=1), "two tokens or more"),
        (lambda: decoder.fit([[0, 2]], vocabulary=2, steps=1), "outside 0 to 1"),
        (lambda: decoder.fit([[0, 1, 1]], vocabulary=2, steps=1, context=2), "context 2 -> shorten"),
        (lambda: decoder.fit([[0, 1]], vocabulary=2, steps=0), "0 steps"),
        (lambda: decoder.fit([[0, 1]], vocabulary=2, steps=1, every=0), "every is 0"),
        (lambda: decoder.fit([[0, 1]], vocabulary=2, steps=1, padding=2), "padding 2 is no token"),
        (lambda: decoder.sample(small(), [[0]], length=3, seeds=[]), "one seed a prefix"),
        (lambda: decoder.sample(small(), [[0]], length=13, seeds=[1]), "from 1 to 12"),
        (lambda: decoder.sample(small(), [[]], length=3, seeds=[1]), "a prefix needs"),
        (lambda: decoder.sample(small(), [[7]], length=3, seeds=[1]), "each from 0 to 6"),
        (lambda: decoder.sample(small(), [[0]], length=3, seeds=[1], temperature=-1), "temperature is -1"),
        (lambda: decoder.sample(small(), [[0]], length=3, seeds=[1], allowed=lambda *_: []), "no token is allowed at position 1"),
        (lambda: decoder.likelihood(small(), [[0] * 13]), "13 tokens"),
    ],
)
def test_what_cannot_work_is_refused_with_a_remedy(call, words):
    with pytest.raises(OptionError, match=words) as error:
        call()
    assert "->" in str(error.value)


def test_a_loss_that_is_no_number_stops_the_training():
    with pytest.raises(ModelError, match="lower the learning rate"):
        decoder.fit([[0, 1, 0]], vocabulary=2, steps=50, width=4, heads=1, layers=1, rate=1e30)


def test_the_end_stops_and_a_prefix_of_full_length_stays():
    model = small()
    made = decoder.sample(model, [[0]] * 50, length=12, seeds=range(50), end=3)
    assert all(3 not in tokens[1:-1] for tokens in made)
    assert {len(tokens) for tokens in made if tokens[-1] != 3} <= {12}
    assert any(tokens[-1] == 3 and len(tokens) < 12 for tokens in made)
    assert decoder.sample(model, [[1, 2]], length=2, seeds=[0]) == [[1, 2]]
