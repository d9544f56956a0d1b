"""The training loop of both networks: a schedule in steps, averaged weights, one or two processes.

In: settings, a bank, perhaps a recogniser to start from. Out: a file with the averaged weights. Every
CHECKPOINT_STEPS steps all that the run knows goes to ``<result>.resume``; a stopped run goes on from there.
"""

from __future__ import annotations

import itertools
import os
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from tools.demo_model import network, tokens
from tools.demo_model.batches import Batch, Batches, Plan, loader
from tools.demo_model.losses import AlignerLosses, AsrLosses, EarsLosses, Losses
from tools.demo_model.optimise import Optimiser

CHECKPOINT_STEPS = 500


@dataclass(frozen=True)
class LearnSettings:
    """One training run.

    Attributes:
        plan: what it looks at.
        rate: highest learning rate of vectors, embeddings and convolutions (AdamW).
        matrix_rate: highest typical change a step of the layers' matrices (Muon).
        weights: what each loss counts at the start and at the end; between, a straight line.
        ears_learn: whether a recogniser's encoder learns too.
        slips: share of written tokens replaced by random ones, from a third of the run on.
        until: step at which the run ends although the rates have not fallen: another run goes on from it.
        warm_up: steps of rising learning rate.
        average: weight of the past in the averaged weights, per step.
    """

    plan: Plan
    rate: float
    matrix_rate: float
    weights: dict[str, tuple[float, float]]
    ears_learn: bool = True
    slips: float = 0.0
    until: int | None = None
    warm_up: int = 150
    average: float = 0.998


@dataclass(frozen=True)
class Place:
    """Where a run happens.

    Attributes:
        device: "cpu" or "cuda".
        processes: training processes, each with an equal share of every batch.
        workers: processes that make batches ahead, for each training process.
        bank_processes: processes that speak the bank.
        folder: working folder.
        debian: whether Debian's packages are to be had: real people and a second synthesiser.
        rehearsal: whether everything is done in small: few speakers, few steps, for the way alone.
    """

    device: str
    processes: int
    workers: int
    bank_processes: int
    folder: Path
    debian: bool = True
    rehearsal: bool = False


def _share_gradients(module: nn.Module) -> None:
    """Average the gradients over the processes, in one message."""
    grads = [p.grad for p in module.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for grad, part in zip(grads, flat.split([g.numel() for g in grads]), strict=True):
        grad.copy_(part.view_as(grad))


def _schedule(settings: LearnSettings, step: int) -> float:
    """Share of the learning rates at a step: a short rise, then half a cosine down to a hundredth."""
    done = step / settings.plan.steps
    rise = min(1.0, (step + 1) / settings.warm_up)
    return rise * (0.01 + 0.99 * 0.5 * (1 + float(torch.cos(torch.tensor(done * torch.pi)))))


def _total(losses: Losses, settings: LearnSettings, step: int) -> torch.Tensor:
    done = step / settings.plan.steps
    parts = [(begin + (end - begin) * done) * losses[name] for name, (begin, end) in settings.weights.items()]
    return torch.stack(parts).sum()


def _run(rank: int, settings: LearnSettings, place: Place, start: Path | None, result: Path) -> None:
    """One process's part of a run."""
    world = place.processes
    torch.manual_seed(settings.plan.seed)
    if place.device == "cpu":
        torch.set_num_threads(1)  # the other cores have a process of their own
    if world > 1:
        dist.init_process_group(
            "gloo", init_method=f"file://{result.resolve()}.meet", rank=rank, world_size=world
        )
    torch.set_float32_matmul_precision("high")
    tokenizer = tokens.train_tokenizer()
    shares = tuple(range(settings.plan.shards))[rank::world]
    batches = Batches(place.folder, tokens.PromptIds(tokenizer), settings.plan, shares)
    is_aligner = settings.plan.task == "aligner"
    model = (network.new_aligner if is_aligner else network.new_asr)(tokenizer)
    if start is not None:
        _take_over(model, torch.load(start, weights_only=True))
    task = _task(settings, model, len(batches.phone_names))
    # A core is quicker at convolutions of values that lie side by side by channel (NOTES.md, 25).
    task.to(place.device, memory_format=torch.channels_last).train()
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    run = _Running(task, model, average, Optimiser(task))
    _loop(run, batches, settings, place, Path(f"{result}.resume"))
    if rank == 0:
        write(average, result)
        Path(f"{result}.resume").unlink(missing_ok=True)
    if world > 1:
        dist.destroy_process_group()


def _task(settings: LearnSettings, model: nn.Module, n_phones: int) -> nn.Module:
    """What is taught to the model."""
    if settings.plan.task == "ears":
        return EarsLosses(model, n_phones)
    if settings.plan.task == "asr":
        return AsrLosses(model, n_phones, settings.ears_learn)
    return AlignerLosses(model)


def _take_over(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Begin with the weights of another network, as far as both have them."""
    mine = model.state_dict()
    same = {name: value for name, value in state.items() if name in mine and mine[name].shape == value.shape}
    model.load_state_dict(same, strict=False)


@dataclass
class _Running:
    """All that changes while a run learns."""

    task: nn.Module
    model: nn.Module
    average: dict[str, torch.Tensor]
    optimiser: Optimiser

    def save(self, path: Path, step: int) -> None:
        state = {"step": step, "task": self.task.state_dict(), "average": self.average}
        part = Path(f"{path}.part")
        torch.save({**state, "optimiser": self.optimiser.state()}, part)
        part.replace(path)

    def load(self, path: Path) -> int:
        """Take up a saved run; returns the first step that is still to do."""
        state = torch.load(path, weights_only=True)
        self.task.load_state_dict(state["task"])
        self.average.update(state["average"])
        self.optimiser.load(state["optimiser"])
        return int(state["step"])


def _loop(run: _Running, batches: Batches, settings: LearnSettings, place: Place, saved: Path) -> None:
    task, plan = run.task, settings.plan
    first = run.load(saved) if saved.exists() else 0
    began = time.monotonic()
    is_first = not dist.is_initialized() or dist.get_rank() == 0
    steps = enumerate(loader(batches, place.workers, first), first)
    for step, cpu_batch in itertools.islice(steps, (settings.until or plan.steps) - first):
        batch = _moved(cpu_batch, place.device)
        losses = task(batch, settings.slips if step * 3 > plan.steps else 0.0)
        run.optimiser.zero_grad()
        _total(losses, settings, step).backward()
        if dist.is_initialized():
            _share_gradients(task)
        nn.utils.clip_grad_norm_(task.parameters(), 1.0)
        share = _schedule(settings, step)
        run.optimiser.step(settings.rate * share, settings.matrix_rate * share)
        _update_average(run.average, run.model, min(settings.average, (step + 1) / (step + 10)))
        if not is_first:
            continue
        if (step + 1) % CHECKPOINT_STEPS == 0:
            run.save(saved, step + 1)
        if step % 100 == 99 or step + 1 == plan.steps:
            shown = " ".join(f"{name} {loss.item():.3f}" for name, loss in losses.items())
            spent = time.monotonic() - began
            longest = batch["features"].shape[-1] // 100
            print(
                f"{plan.task} {step + 1}/{plan.steps} {spent:.0f}s "
                f"{(step + 1 - first) / spent:.2f}/s [{longest}s] {shown}",
                flush=True,
            )


def _moved(batch: Batch, device: str) -> Batch:
    """The batch on its device; the windows stay, since they are only counted with."""
    return {name: value if name == "windows" else value.to(device) for name, value in batch.items()}


def write(weights: dict[str, torch.Tensor], path: Path) -> None:
    """Write weights so that who waits for the file never sees half of it."""
    part = Path(f"{path}.part")
    torch.save({name: value.cpu() for name, value in weights.items()}, part)
    part.replace(path)


@torch.no_grad()
def _update_average(average: dict[str, torch.Tensor], model: nn.Module, keep: float) -> None:
    now = model.state_dict()
    names = [name for name in average if average[name].is_floating_point()]
    torch._foreach_lerp_([average[n] for n in names], [now[n] for n in names], 1 - keep)


def learn(settings: LearnSettings, place: Place, start: Path | None, result: Path) -> None:
    """Train one network and write its averaged weights to ``result``.

    Args:
        settings: the run.
        place: where it happens.
        start: weights of a recogniser to begin with, or None for random ones.
        result: the file to write.
    """
    result.parent.mkdir(parents=True, exist_ok=True)
    if place.processes == 1:
        _run(0, settings, place, start, result)
        return
    meeting = Path(f"{result}.meet")
    meeting.unlink(missing_ok=True)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.multiprocessing.spawn(_run, (settings, place, start, result), nprocs=place.processes)
    meeting.unlink(missing_ok=True)
