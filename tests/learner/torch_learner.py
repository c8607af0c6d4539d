"""The same network written for torch's automatic differentiation: the reference of the tests and of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

from subjects.learner.shape import N_LAYERS, Shape, Weights


class TorchLearner(torch.nn.Module):
    """Weights copied from ours.

    Parameters
    ----------
    heads : (layer, head) → constant that its output is held at
    directions : (site, direction) → constant that the residual stream is held at there; site 0 is the embedding
    embeddings : token → norm that its vector is scaled to
    """

    def __init__(
        self,
        shape: Shape,
        weights: Weights,
        heads: Mapping[tuple[int, int], float] | None = None,
        directions: Mapping[tuple[int, int], float] | None = None,
        embeddings: Mapping[int, float] | None = None,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.heads, self.directions, self.embeddings = heads or {}, directions or {}, embeddings or {}

        def parameter(array: np.ndarray) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.from_numpy(array.copy()))

        self.embed, self.position = parameter(weights.embed), parameter(weights.position)
        self.unembed = parameter(weights.unembed)
        self.qkv = torch.nn.ParameterList(parameter(w) for w in weights.qkv)
        self.out = torch.nn.ParameterList(parameter(w) for w in weights.out)
        self.register_buffer("future", torch.ones(shape.context, shape.context, dtype=torch.bool).triu(1))

    def held(self, site: int, x: torch.Tensor) -> torch.Tensor:
        for (at, direction), level in self.directions.items():
            if at == site:
                x = torch.cat([x[..., :direction], torch.full_like(x[..., :1], level), x[..., direction + 1 :]], -1)
        return x

    def forward(self, tokens: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits (S, context, n_tokens) and patterns (S, n_heads, context, context) of each layer."""
        s = self.shape
        rows = list(self.embed)
        for token, norm in self.embeddings.items():
            fixed = rows[token].detach()
            rows[token] = fixed * (norm / fixed.norm())
        x = self.held(0, torch.stack(rows)[tokens])
        patterns = []
        for layer in range(N_LAYERS):
            wq, wk, wv = self.qkv[layer].split(s.width, dim=1)
            placed = x + self.position
            q, k, v = (
                a.view(*tokens.shape, s.n_heads, s.head_width).transpose(1, 2)
                for a in (placed @ wq, placed @ wk, x @ wv)
            )
            scores = (q @ k.transpose(-1, -2) / s.head_width**0.5).masked_fill(self.future, -torch.inf)
            patterns.append(scores.softmax(-1))
            z = list((patterns[-1] @ v).unbind(1))
            for (at, head), level in self.heads.items():
                if at == layer:
                    z[head] = torch.full_like(z[head], level)
            x = self.held(layer + 1, x + torch.cat(z, -1) @ self.out[layer])
        return x @ self.unembed, patterns

    def loss(self, tokens: torch.Tensor) -> torch.Tensor:
        logits, _ = self(tokens[:, :-1])
        return functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
