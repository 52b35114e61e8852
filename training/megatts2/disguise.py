"""Disguises of mel spectrograms: other vocal tracts, band limits, microphones, rooms and noise, all in the mel domain."""
import functools, math, pathlib, sys
import numpy as np, torch
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from spectrum import BANDS, _slaney_hz, _slaney_mel

FLOOR = math.log(1e-5)

@functools.lru_cache(None)
def _centres():
    edges = _slaney_hz(np.linspace(_slaney_mel(0.0), _slaney_mel(12000.0), BANDS + 2)); return edges[1:-1]

@functools.lru_cache(4096)
def _warp(step):
    """Band b of the warped mel reads the old one at centre(b) / alpha, alpha = exp(step / 200)."""
    source = np.interp(_centres() / math.exp(step / 200), _centres(), np.arange(BANDS)); i = np.minimum(source.astype(int), BANDS - 2)
    return torch.from_numpy(i), torch.from_numpy((source - i).astype(np.float32))

def warp(mel, alpha):
    """Mel [bands, T] of a voice whose formants and F0 lie higher by the factor alpha (a smaller person for alpha > 1)."""
    i, w = _warp(round(200 * math.log(alpha))); w = w[:, None]
    return mel[i] * (1 - w) + mel[i + 1] * w

def disguise(mels, r):
    """Mels [B, bands, T], each through a random microphone, room and noise."""
    b, bands, t = mels.shape; mels = mels.clone(); c = torch.from_numpy(_centres().astype(np.float32))
    for i in range(b):
        x = mels[i]
        if r.random() < 0.6: x += (r.uniform(-1.2, 1.2) * torch.linspace(-1, 1, bands) + r.uniform(-0.8, 0.8) * torch.cos(torch.linspace(0, r.uniform(3, 12), bands) + r.uniform(0, 6)))[:, None]
        if r.random() < 0.3:
            keep = r.uniform(0.3, 0.75); power = torch.exp(2 * x); y = power.clone()
            for k in range(1, 12): y[:, k:] += r.uniform(0.02, 0.12) * keep ** k * power[:, :-k]
            x = 0.5 * torch.log(y)
        if r.random() < 0.6:
            noise = r.uniform(-9.5, -5.0) + r.uniform(-1.5, 1.5) * torch.linspace(-1, 1, bands); x = torch.log(torch.exp(x) + torch.exp(noise[:, None] + 0.5 * torch.randn(bands, t)))
        if r.random() < 0.4: x = torch.where((c > r.uniform(3400, 8200))[:, None], torch.full_like(x, FLOOR), x)
        mels[i] = x + r.uniform(-0.5, 0.5)
    return mels.clamp(min=FLOOR)
