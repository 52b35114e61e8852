"""Harmonic-plus-noise vocoder in the STFT domain: mel + F0 -> wave (specified in vocoder/src/harmonic_noise.rs)."""
import pathlib, sys
import torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from blocks import ChannelNorm, ConvBlock
from spectrum import BANDS, BINS, HOP, N_FFT, RATE, amplitude_prior, inverse_filterbank, stft, window

STARTER = {"channels": 192, "hidden": 384, "kernel": 3, "blocks": 5, "free_phase": True, "max_harmonic_hz": 11000.0}

def pulses(f0, max_hz=11000.0, threshold=40.0):
    """F0 [B, T] Hz -> band-limited pulse train [B, T * hop]: every harmonic below max_hz at unit amplitude."""
    f = F.interpolate(f0[:, None], scale_factor=HOP, mode="linear", align_corners=False)[:, 0]; voiced = f > threshold; f = f.clamp(min=threshold)
    t = (2 * torch.pi * torch.frac(torch.cumsum(f.double(), 1) / RATE)).float(); k = torch.floor(max_hz / f) + 0.5
    s = 2 * torch.sin(t / 2); flat = s.abs() <= 2e-3; e = torch.where(flat, k, torch.sin(k * t) / torch.where(flat, torch.ones_like(s), s)) - 0.5
    return e * voiced

def excitation(f0, max_hz=11000.0): return stft(pulses(f0, max_hz)) / (N_FFT / 4)

class HarmonicNoise(nn.Module):
    """mel [B, 100, T], F0 [B, T] -> the parts of the spectrum, each [B, 601, T].

    `look_ahead`: frames that the first convolution and each block see ahead; half of their kernels without it.
    """
    def __init__(self, channels, hidden, kernel, blocks, free_phase, max_harmonic_hz, look_ahead=None):
        super().__init__(); self.parts = 5 if free_phase else 3; self.max_hz = max_harmonic_hz; first, *each = look_ahead or [3] + [None] * blocks; self.around = (6 - first, first)
        self.register_buffer("mel_mean", torch.zeros(BANDS)); self.register_buffer("mel_std", torch.ones(BANDS))
        self.input = nn.Conv1d(BANDS + 2, channels, 7); self.blocks = nn.ModuleList(ConvBlock(channels, hidden, kernel, a) for a in each)
        self.norm = ChannelNorm(channels); self.head = nn.Conv1d(channels, self.parts * BINS, 1); nn.init.normal_(self.head.weight, std=0.02)
        b = torch.zeros(self.parts, BINS); b[0] = 1.2; b[2] = -1.5
        if free_phase: b[2] = -2.5; b[3] = -1.5
        self.head.bias.data = b.flatten()
    def parameters_of(self, mel, f0):
        """-> list of parts: ln harmonic, theta, ln noise [, ln free, phi]."""
        v = (f0 >= 20).float(); x = torch.cat([(mel - self.mel_mean[:, None]) / self.mel_std[:, None], ((torch.log(f0.clamp(min=20)) - 5) * v)[:, None], v[:, None]], 1)
        x = self.input(F.pad(x, self.around))
        for b in self.blocks: x = b(x)
        p = list(self.head(self.norm(x)).chunk(self.parts, 1)); prior = amplitude_prior(mel)
        for i in (0, 2, 3)[: 2 if self.parts == 3 else 3]: p[i] = (p[i] + prior).clamp(max=7)
        return p
    def spectrum(self, p, f0, noise):
        s = torch.polar(torch.exp(p[0]), torch.pi * torch.tanh(p[1])) * excitation(f0, self.max_hz) + torch.exp(p[2]) * noise
        return s + torch.polar(torch.exp(p[3]), p[4]) if self.parts == 5 else s
    def forward(self, mel, f0, noise=None):
        """-> wave [B, T * hop]."""
        p = self.parameters_of(mel, f0)
        if noise is None: noise = torch.randn(2, *p[0].shape)
        return inverse(self.spectrum(p, f0, torch.complex(noise[0], noise[1])))

def shifted(weights, sizes, look_ahead):
    """The weights of a vocoder of `sizes` (which see ahead as their `look_ahead` says) for another look-ahead, from which training goes
    on: every tap stays at its frame, those of frames no longer seen join the last that is."""
    old = sizes.get("look_ahead") or [3] + [sizes["kernel"] // 2] * sizes["blocks"]; weights = dict(weights)
    for name, was, now in zip(["input.weight"] + [f"blocks.{i}.expand.weight" for i in range(sizes["blocks"])], old, look_ahead):
        w = weights[name]; by = was - now
        if by > 0: kept = F.pad(w[..., : w.shape[-1] - by], (by, 0)); kept[..., -1] += w[..., w.shape[-1] - by:].sum(-1); weights[name] = kept
    return weights

def inverse(s):
    """Complex [B, 601, T] -> wave [B, T * hop]."""
    frames = torch.fft.irfft(s, N_FFT, dim=1) * window()[:, None]; n = s.shape[2]; size = (1, (n + 3) * HOP)
    def fold(x): return F.fold(x, size, (1, N_FFT), stride=(1, HOP))[:, 0, 0]
    square = (window() ** 2)[None, :, None].expand(1, -1, n)
    return (fold(frames) / fold(square).clamp(min=1e-8))[:, N_FFT // 2: N_FFT // 2 + n * HOP]
