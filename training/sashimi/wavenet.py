"""WaveNet (van den Oord et al. 2016) of the starter's parameter count, for comparison: gated dilated causal convolutions with residual and skip paths."""
import math
import torch, torch.nn as nn, torch.nn.functional as F
from model import CODES, before

class WaveNet(nn.Module):
    """Codes [B, T] to logits [B, 256, T]; two stacks of dilations 1 to 512, kernels of 2: 2047 samples are seen."""
    def __init__(s, width=56, skip=128, stacks=2, depth=10):
        super().__init__(); s.encoder = nn.Embedding(CODES, width); s.dilations = [2 ** k for _ in range(stacks) for k in range(depth)]
        s.gates = nn.ModuleList([nn.Conv1d(width, 2 * width, 2, dilation=d) for d in s.dilations]); s.residual = nn.ModuleList([nn.Conv1d(width, width, 1) for _ in s.dilations]); s.skip = nn.ModuleList([nn.Conv1d(width, skip, 1) for _ in s.dilations]); s.inner, s.output = nn.Conv1d(skip, skip, 1), nn.Conv1d(skip, CODES, 1)
    def forward(s, x):
        x, total = s.encoder(x).transpose(1, 2), 0
        for d, gate, residual, skip in zip(s.dilations, s.gates, s.residual, s.skip): a, b = gate(F.pad(x, (d, 0))).chunk(2, 1); z = torch.tanh(a) * torch.sigmoid(b); total = total + skip(z); x = x + residual(z)
        return s.output(F.relu(s.inner(F.relu(total))))
    def bits(s, codes, jitter=0.0): return F.cross_entropy(s(before(codes, jitter)), codes) / math.log(2)
