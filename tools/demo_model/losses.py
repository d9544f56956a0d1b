"""What the two networks are taught: text or times, and on the way sounds, pieces and where to listen.

In: a model and a batch of :mod:`tools.demo_model.batches`. Out: named losses, each a scalar tensor.
The extra tasks are why minutes suffice: the synthesiser knows what sounds when, nothing is left to find out.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from tools.demo_model.batches import Batch, classes_of
from tools.demo_model.network import HEARING_LAYERS, WIDTH, watch_attention
from tools.demo_model.tokens import CLASS_MS, N_CLASSES

Losses = dict[str, torch.Tensor]
_IGNORE = -100
_SIGMA_CLASSES = 0.7  # how wide a true time is spread over the classes


class Listener(nn.Module):
    """A model with its audio path and its guidance laid open."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self._seen: Callable[[], list[tuple[torch.Tensor, torch.Tensor]]] = watch_attention(model)

    def heard(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Encoder outputs and projected audio embeddings, both float[n_audio_tokens, WIDTH]."""
        n_frames = batch["features"].shape[-1]
        mask = (torch.arange(n_frames, device=batch["frames"].device) < batch["frames"][:, None]).long()
        output = self.model.model.get_audio_features(batch["features"], mask, cu_seqlens=batch["windows"])
        return output.last_hidden_state, output.pooler_output

    def read(self, ids: torch.Tensor, audio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Text model's states with the audio in its place, both float[batch, length, WIDTH].

        Returns:
            The last ones, and those the hearing layers leave, not normalised yet.
        """
        text_model = self.model.model.language_model
        embeds = text_model.embed_tokens(ids)
        place = (ids == self.model.config.audio_token_id)[..., None].expand_as(embeds)
        output = text_model(
            inputs_embeds=embeds.masked_scatter(place, audio), use_cache=False, output_hidden_states=True
        )
        return output.last_hidden_state, output.hidden_states[HEARING_LAYERS]

    def guidance(self, guides: torch.Tensor) -> torch.Tensor:
        """How little of the guided heads' attention lies where the guides say (negative log share)."""
        query_at, low, high = (guides[..., i].clamp(min=0) for i in range(1, 4))
        total, n_kinds = [], 0
        for kind, (query, key) in enumerate(self._seen()):
            rows = query.gather(1, query_at[..., None].expand(-1, -1, query.shape[-1]))
            scores = rows @ key.transpose(1, 2) * query.shape[-1] ** -0.5
            at = torch.arange(key.shape[1], device=key.device)
            scores = scores.masked_fill(at > query_at[..., None], -1e4).log_softmax(-1)
            outside = (at < low[..., None]) | (at > high[..., None])
            mass = scores.masked_fill(outside, -1e4).logsumexp(-1)
            valid = guides[..., 0] == kind
            n_kinds += valid.any()
            total.append(-(mass * valid).sum() / valid.sum().clamp(min=1))
        return torch.stack(total).sum() / max(n_kinds, 1)


class EarsLosses(nn.Module):
    """Loss of the ears, the encoder by itself: ``phones``."""

    def __init__(self, model: nn.Module, n_phones: int) -> None:
        super().__init__()
        self.listener = Listener(model)
        self.phone_head = nn.Linear(WIDTH, 4 * (n_phones + 1))
        model.requires_grad_(False)
        model.model.audio_tower.requires_grad_(True)

    def forward(self, batch: Batch, slips: float) -> Losses:
        """The loss, and ``wrong``, the share of wrong phonemes where something sounds (no gradient)."""
        del slips  # the ears write nothing
        encoded, _ = self.listener.heard(batch)
        logits = _by_moment(self.phone_head(encoded))
        truth = batch["phones"].flatten()
        with torch.no_grad():
            wrong = (logits.argmax(-1) != truth)[truth > 0].float().mean()
        return {"phones": _mean_loss(logits, truth), "wrong": wrong}


class AsrLosses(nn.Module):
    """Losses of the recogniser: ``text``, and the helpers ``phones``, ``pieces`` and ``guide``."""

    def __init__(self, model: nn.Module, n_phones: int, ears_learn: bool) -> None:
        super().__init__()
        self.listener = Listener(model)
        model.model.audio_tower.requires_grad_(ears_learn)
        self.phone_head = nn.Linear(WIDTH, 4 * (n_phones + 1)) if ears_learn else None

    def forward(self, batch: Batch, slips: float) -> Losses:
        """All losses; ``slips`` is the share of written tokens replaced by random ones before reading."""
        model = self.listener.model
        encoded, audio = self.listener.heard(batch)
        ids = batch["input_ids"]
        if slips:
            written = (batch["targets"] >= 0) & (ids != model.config.audio_token_id)
            is_slip = written & (torch.rand(ids.shape, device=ids.device) < slips)
            ids = torch.where(is_slip, torch.randint_like(ids, model.config.audio_token_id), ids)
        hidden, hearing = self.listener.read(ids, audio)
        norm = model.model.language_model.norm  # the head reads nothing else
        learnt, is_heard = batch["targets"] >= 0, batch["pieces"] >= 0
        losses = {
            "text": F.cross_entropy(model.lm_head(hidden[learnt]), batch["targets"][learnt]),
            "pieces": _mean_loss(model.lm_head(norm(hearing[is_heard])), batch["pieces"][is_heard]),
            "guide": self.listener.guidance(batch["guides"]),
        }
        if self.phone_head is not None:
            losses["phones"] = _mean_loss(_by_moment(self.phone_head(encoded)), batch["phones"].flatten())
        return losses


class AlignerLosses(nn.Module):
    """Losses of the aligner: ``times``, ``clock`` (each sound its own time) and ``guide``.

    The aligner hears with the recogniser's ears: only its text model and its head learn.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.listener = Listener(model)
        model.model.audio_tower.requires_grad_(False)
        model.model.multi_modal_projector.requires_grad_(False)

    def forward(self, batch: Batch, slips: float) -> Losses:
        """All losses, and ``error_ms``, the mean error of the likeliest classes (no gradient)."""
        del slips  # the aligner writes nothing
        model = self.listener.model
        with torch.no_grad():
            _, audio = self.listener.heard(batch)
        ids = batch["input_ids"]
        hidden, _ = self.listener.read(ids, audio)
        is_slot = batch["targets"] >= 0
        logits = model.score(hidden[is_slot])
        truth = classes_of(batch["targets"][is_slot])
        clock = model.score(hidden[ids == model.config.audio_token_id])
        with torch.no_grad():
            error = (logits.argmax(-1) - truth).abs().mean() * CLASS_MS
        return {
            "times": _time_loss(logits, truth),
            "clock": _time_loss(clock, classes_of(batch["clock"])),
            "guide": self.listener.guidance(batch["guides"]),
            "error_ms": error,
        }


def _by_moment(phones: torch.Tensor) -> torch.Tensor:
    """Phoneme logits of the four moments of every audio token, a row a moment."""
    return phones.unflatten(-1, (4, -1)).flatten(0, 1)


def _mean_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy over what is known (>= 0); zero where nothing is."""
    total = F.cross_entropy(logits, truth, ignore_index=_IGNORE, reduction="sum")
    return total / (truth >= 0).sum().clamp(min=1)


def _time_loss(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with a true class that is a small bell over the neighbours."""
    classes = torch.arange(N_CLASSES, device=logits.device)
    wanted = F.softmax(-((classes - truth[:, None]) ** 2) / (2 * _SIGMA_CLASSES**2), -1)
    return -(wanted * logits.log_softmax(-1)).sum(-1).mean()
