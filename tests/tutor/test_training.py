"""Training: packed documents are apart, loss falls, a stopped run goes on as if it had not been stopped."""

import json
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch
from tokenizers import Tokenizer

from playground.tutor import learning, mean, packing, train
from playground.tutor.optim import optimizers, orthogonal, rate_at
from playground.tutor.shape import ASSISTANT_ID, BOS_ID, END_ID, EOS_ID, HOME, USER_ID

SMALL = {
    "vocab_size": 6144,
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 1024,
    "tie_word_embeddings": True,
}


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.from_file(str(HOME / "tokenizer.json"))


def new_run(folder, monkeypatch, steps):
    monkeypatch.setattr(learning, "MOMENTS", ())
    monkeypatch.setattr(train.Run, "_snapshot", lambda self, recent: None)
    monkeypatch.setattr(train, "_HELD_OUT_BATCHES", 1)
    folder.mkdir(exist_ok=True)
    shutil.copy(HOME / "tokenizer.json", folder)
    return train.Run(folder, steps, shape=SMALL, batch_tokens=1024)


def test_batches_are_the_same_each_time_and_full(tokenizer):
    one, again, other = (packing.batch(step, tokenizer) for step in (3, 3, 4))
    assert (one.ids == again.ids).all() and (one.learned == again.learned).all()
    assert not (one.ids == other.ids).all()
    assert (one.owner >= 0).mean() > 0.9
    assert packing.batch(13, tokenizer).ids.shape == (4, 1024)


def test_what_is_learned(tokenizer):
    """Documents begin with BOS; replies and their ends are learned, marks and most questions are not."""
    batch = packing.batch(0, tokenizer)
    for row in range(len(batch.ids)):
        for document in range(int(batch.owner.max()) + 1):
            here = batch.owner[row] == document
            if here.any():
                ids, learned = batch.ids[row][here], batch.learned[row][here]
                assert ids[0] == BOS_ID and ids[-1] in (EOS_ID, END_ID)
                assert not learned[0] and learned[-1]
                assert not learned[(ids == USER_ID) | (ids == ASSISTANT_ID)].any()
    assert 0.5 < batch.learned.mean() < 0.95


def test_documents_of_a_row_do_not_see_each_other(tokenizer):
    model = train.new_model(SMALL).eval()
    batch = packing.batch(1, tokenizer, tokens=256)
    with torch.no_grad():
        together, count = train.loss_of(model, batch)
        total = 0.0
        for document in range(int(batch.owner.max()) + 1):
            here = batch.owner[0] == document
            ids = torch.from_numpy(batch.ids[0][here])[None]
            targets = torch.from_numpy(batch.learned[0][here])[None, 1:]
            logits = model(input_ids=ids).logits[:, :-1][targets]
            total += float(torch.nn.functional.cross_entropy(logits, ids[:, 1:][targets], reduction="sum"))
    assert float(together) == pytest.approx(total / count, rel=1e-4)


def test_loss_falls(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run", monkeypatch, steps=60)
    losses = [run.one_step() for _ in range(16)]
    assert losses[0] == pytest.approx(8.7, abs=0.3)  # ln 6144
    assert sum(losses[-4:]) / 4 < losses[0] - 0.5


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(tmp_path, monkeypatch):
    whole = new_run(tmp_path / "whole", monkeypatch, steps=6)
    whole.train()
    stopped = new_run(tmp_path / "stopped", monkeypatch, steps=6)
    for _ in range(3):
        stopped.one_step()
    stopped.save()
    again = new_run(tmp_path / "stopped", monkeypatch, steps=6)
    assert again.step == 3
    again.train()
    assert again.step == whole.step == 6 and again.tokens == whole.tokens
    for name, weights in whole.model.state_dict().items():
        torch.testing.assert_close(again.model.state_dict()[name], weights)
    assert again.finished()


def test_a_piece_ends_with_a_checkpoint_and_the_next_goes_on(tmp_path, monkeypatch):
    first = new_run(tmp_path / "run", monkeypatch, steps=4)
    assert first.train(piece=0.0) is False and not first.finished()
    again = new_run(tmp_path / "run", monkeypatch, steps=4)
    assert again.step == first.step
    assert again.train() is True and again.finished()
    assert not (tmp_path / "run" / "state.part").exists()


def test_a_checkpoint_is_all_that_a_run_needs(tmp_path, monkeypatch):
    """Weights, both optimizers, step, chance and the texts' mark; half a file beside it is no checkpoint."""
    run = new_run(tmp_path / "run", monkeypatch, steps=4)
    run.one_step()
    run.save()
    (tmp_path / "run" / "state.part").write_bytes(b"half a file")
    drawn = torch.rand(3)
    again = new_run(tmp_path / "run", monkeypatch, steps=4)
    torch.testing.assert_close(torch.rand(3), drawn)
    for one, other in zip(run.optimizers, again.optimizers, strict=True):
        assert len(one.state_dict()["state"]) == len(other.state_dict()["state"]) > 0
    assert again.step == 1


def test_a_run_does_not_go_on_with_other_texts_or_another_shape(tmp_path, monkeypatch):
    run = new_run(tmp_path / "run", monkeypatch, steps=4)
    run.save()
    monkeypatch.setattr(train, "text_digest", lambda: "other")
    with pytest.raises(ValueError, match="another texts"):
        new_run(tmp_path / "run", monkeypatch, steps=4)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="another shape"):
        train.Run(tmp_path / "run", 4, shape=SMALL | {"hidden_size": 128}, batch_tokens=1024)


def test_a_training_killed_by_force_ends_with_the_same_weights(tmp_path, monkeypatch):
    """SIGKILL in the middle loses the steps since the checkpoint; they are made again, bit for bit."""
    steps, saved_at, compared_at = 2000, 2, 5

    def run_in(folder):
        if not folder.exists():
            new_run(folder, monkeypatch, steps)  # puts the tokenizer there, and no more
        return train.Run(folder, steps, shape=train.SHAPE | SMALL)

    whole, killed = run_in(tmp_path / "whole"), run_in(tmp_path / "killed")
    for run, count in ((whole, compared_at), (killed, saved_at)):
        for _ in range(count):
            run.one_step()
    killed.save()
    process = subprocess.Popen(
        [sys.executable, "-m", "playground.tutor.rebuild", "--plain", "--steps", str(steps), "--shape",
         json.dumps(SMALL), "--run", str(tmp_path / "killed"), "--folder", str(tmp_path / "out")],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert any("on cpu" in line for line in process.stderr)  # the checkpoint is loaded, the training goes on
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    again = run_in(tmp_path / "killed")
    assert again.step == saved_at
    while again.step < compared_at:
        again.one_step()
    for name, weights in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], weights), name


def test_optimizers_hold_each_weight_once():
    model = train.new_model(SMALL)
    held = [
        id(one) for opt in optimizers(model, 1e-3) for group in opt.param_groups for one in group["params"]
    ]
    assert sorted(held) == sorted(id(one) for one in model.parameters())


@pytest.mark.parametrize("shape", [(3, 64, 64), (2, 64, 128), (2, 160, 64)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_muons_steps_are_nearly_orthogonal(shape, dtype):
    torch.manual_seed(0)
    made = orthogonal(torch.randn(shape), dtype=dtype)
    values = torch.linalg.svdvals(made)
    assert made.dtype == torch.float32
    assert float(values.median()) > 0.6 and float(values.max()) < 1.3


def test_the_learning_rate_warms_up_stays_and_falls():
    assert rate_at(0.0) < 0.05 and (rate_at(0.02), rate_at(0.69)) == (1.0, 1.0)
    assert rate_at(0.85) == pytest.approx(0.5) and rate_at(1.0) == 0.0


def test_the_mean_of_two_ends(tmp_path, monkeypatch):
    """Every weight lies between its two, and the last moment of the slider is the mean's own."""
    ends = []
    for name, count in (("one", 1), ("other", 2)):
        run = new_run(tmp_path / name, monkeypatch, steps=4)
        for _ in range(count):
            run.one_step()
        run.snapshots = [learning.snapshot(run.model, run.tokenizer, run.step, run.tokens, 1.0)]
        run.save()
        ends.append({key: value.clone() for key, value in run.model.state_dict().items()})
    monkeypatch.setattr(mean, "new_model", lambda shape: run.model)
    mean.joined(tmp_path / "one", tmp_path / "other", 0.3, tmp_path / "both")
    state = torch.load(tmp_path / "both" / "state.pt", weights_only=True)
    for key, value in state["model"].items():
        torch.testing.assert_close(value, 0.7 * ends[0][key] + 0.3 * ends[1][key])
    moments = torch.load(tmp_path / "other" / "state.pt", weights_only=True)["snapshots"]
    assert len(state["snapshots"]) == len(moments) == 1
    assert state["snapshots"][-1]["step"] == 2 and state["snapshots"][-1] != moments[-1]
    with pytest.raises(ValueError, match="shape"):
        mean.mean({"a": torch.ones(1)}, {"b": torch.ones(1)}, 0.5)
