"""The Llama architecture with gradients, for training. Running it afterwards is `subjects.language_model.decoder`'s."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """Sizes; d_head = d_model / n_heads."""

    n_tokens: int = 2048
    n_layers: int = 6
    d_model: int = 192
    d_mlp: int = 512
    n_heads: int = 6
    n_kv_heads: int = 3
    n_context: int = 256
    rope_theta: float = 10000.0
    rms_eps: float = 1e-5

    @property
    def d_head(self) -> int:
        return self.d_model // self.n_heads

    def config(self) -> dict[str, object]:
        """As the ``config.json`` of a Llama model."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.n_tokens,
            "num_hidden_layers": self.n_layers,
            "hidden_size": self.d_model,
            "intermediate_size": self.d_mlp,
            "num_attention_heads": self.n_heads,
            "num_key_value_heads": self.n_kv_heads,
            "max_position_embeddings": self.n_context,
            "rope_theta": self.rope_theta,
            "rms_norm_eps": self.rms_eps,
            "hidden_act": "silu",
            "tie_word_embeddings": True,
            "attention_bias": False,
            "mlp_bias": False,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "torch_dtype": "float16",
        }


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.q_proj = nn.Linear(shape.d_model, shape.n_heads * shape.d_head, bias=False)
        self.k_proj = nn.Linear(shape.d_model, shape.n_kv_heads * shape.d_head, bias=False)
        self.v_proj = nn.Linear(shape.d_model, shape.n_kv_heads * shape.d_head, bias=False)
        self.o_proj = nn.Linear(shape.n_heads * shape.d_head, shape.d_model, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        n, t, _ = x.shape
        q, k, v = (
            p(x).view(n, t, -1, self.shape.d_head).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        z = F.scaled_dot_product_attention(
            rotated(q, cos, sin), rotated(k, cos, sin), v, is_causal=True, enable_gqa=True
        )
        out: Tensor = self.o_proj(z.transpose(1, 2).reshape(n, t, -1))
        return out


class Mlp(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.d_model, shape.d_mlp, bias=False)
        self.up_proj = nn.Linear(shape.d_model, shape.d_mlp, bias=False)
        self.down_proj = nn.Linear(shape.d_mlp, shape.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(shape.d_model, shape.rms_eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.d_model, shape.rms_eps)
        self.mlp = Mlp(shape)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Network(nn.Module):
    """Parameters carry the names of a Llama checkpoint, without the prefix ``model.``."""

    cos: Tensor
    sin: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.n_tokens, shape.d_model)
        self.layers = nn.ModuleList(Block(shape) for _ in range(shape.n_layers))
        self.norm = nn.RMSNorm(shape.d_model, shape.rms_eps)
        frequency = shape.rope_theta ** (-torch.arange(0, shape.d_head, 2) / shape.d_head)
        angle = torch.outer(torch.arange(shape.n_context), frequency).repeat(1, 2)  # (n_context, d_head)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        for name, p in self.named_parameters():
            if p.ndim == 2:
                std = (
                    0.02 / math.sqrt(2 * shape.n_layers)
                    if name.endswith(("o_proj.weight", "down_proj.weight"))
                    else 0.02
                )
                nn.init.normal_(p, std=std)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t) token ids → (n, t, n_tokens) logits."""
        t = tokens.shape[1]
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, self.cos[:t], self.sin[:t])
        return F.linear(self.norm(x), self.embed_tokens.weight)


def rotated(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position (Su et al. 2021, arXiv:2104.09864), halves paired as in Llama checkpoints."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin
