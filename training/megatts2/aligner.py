"""The aligner's network and its Viterbi search; the Rust twin is models/src/aligner.rs."""
import json, pathlib, sys
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from blocks import ChannelNorm, ConvBlock

ALIGNER = {"channels": 160, "hidden": 256, "kernel": 5, "blocks": 4}
SYMBOLS, BANDS = 178, 100
_vocabulary = json.load(open(pathlib.Path(__file__).parent.parent / "vocab.json"))
PAUSES = [0] + sorted(_vocabulary[c] for c in ";:,.!?—…\"“” " if c in _vocabulary)

class Aligner(nn.Module):
    """Mel [B, 100, T] (T even) -> logits over symbols [B, 178, T / 2], one column a unit of 25 ms."""
    def __init__(self, channels, hidden, kernel, blocks):
        super().__init__(); self.input = nn.Conv1d(BANDS, channels, 5, padding=2); self.down = nn.Conv1d(channels, channels, 4, stride=2, padding=1)
        self.blocks = nn.ModuleList(ConvBlock(channels, hidden, kernel) for _ in range(blocks)); self.norm = ChannelNorm(channels); self.output = nn.Conv1d(channels, SYMBOLS, 1)
        self.register_buffer("prior", torch.full((SYMBOLS,), 1 / SYMBOLS))
    def forward(self, mel):
        x = self.down(F.silu(self.input((mel + 5) / 2.5)))
        for b in self.blocks: x = b(x)
        return self.output(self.norm(x))
    def posteriors(self, mel):
        """Mel [B, 100, T] -> ln p(symbol | unit) [B, U, 178]; an odd last frame is repeated."""
        if mel.shape[2] % 2: mel = torch.cat([mel, mel[..., -1:]], 2)
        return F.log_softmax(self(mel), 1).transpose(1, 2)

def align(log_p, prior, ids):
    """Viterbi: ln p [U, 178], prior [178], symbols [N] -> durations in units [N] (each >= 1), mean emission per unit."""
    units, n = len(log_p), len(ids)
    if units < n: raise ValueError(f"{units} units of speech for {n} symbols")
    e = log_p - 0.5 * torch.log(prior); pause = torch.logsumexp(log_p[:, PAUSES], 1) - 0.5 * torch.log(prior[PAUSES].sum())
    quiet = torch.isin(ids, torch.tensor(PAUSES)); scores = torch.where(quiet[None], pause[:, None], e[:, ids]).double().numpy()
    best = np.full(n, -np.inf); best[0] = scores[0, 0]; came = np.zeros((units, n), bool)
    for u in range(1, units):
        step = np.concatenate([[-np.inf], best[:-1]]); came[u] = step > best; best = np.where(came[u], step, best) + scores[u]
    out = np.zeros(n, np.int64); at = n - 1
    for u in range(units - 1, -1, -1):
        out[at] += 1
        if came[u, at]: at -= 1
    return torch.from_numpy(out), float(best[-1] / units)
