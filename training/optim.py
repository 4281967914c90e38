"""Muon for the matrices of the layers, AdamW for the rest.

torch.optim.Muon takes the matrices one by one: hundreds of tiny products a step, which cost a GPU more than the model does. Here
matrices of one shape are orthogonalised together.
"""

from collections import defaultdict

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic Newton-Schulz iteration (Keller Jordan, Muon, 2024)
ITERATIONS = 5
MOMENTUM = 0.95
RMS_OF_ADAMW = 0.2  # scale of an update, so that AdamW's learning rate fits (Liu et al., arXiv 2502.16982)


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest orthogonal matrices, roughly, in bf16.  # (matrices, outputs, inputs)"""
    x = matrices.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    def __init__(self, matrices: list[nn.Parameter], weight_decay: float):
        shapes = defaultdict(list)
        for matrix in matrices:
            shapes[matrix.shape].append(matrix)
        super().__init__([{"params": group} for group in shapes.values()], {"lr": 0.0, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            parameters = group["params"]
            gradient = torch.stack([parameter.grad for parameter in parameters])
            state = self.state[parameters[0]]
            momentum = state.setdefault("momentum", torch.zeros_like(gradient))
            momentum.lerp_(gradient, 1 - MOMENTUM)
            update = orthogonal(gradient.lerp(momentum, MOMENTUM)).to(gradient.dtype)
            scale = RMS_OF_ADAMW * max(gradient.shape[-2:]) ** 0.5
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(parameters, list(update.unbind()), alpha=-group["lr"] * scale)


def optimisers_for(model: nn.Module, weight_decay: float) -> list[torch.optim.Optimizer]:
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and n.startswith("blk.")]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or not n.startswith("blk.")]
    return [Muon(matrices, weight_decay), torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.0, fused=True)]
