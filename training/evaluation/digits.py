#!/usr/bin/env python3
"""How many clips of spoken digits are recognised: by a small classifier trained on other voices.

    digits.py --others DIR --clips DIR [--truth]

DIR of --others: WORD_VOICE_TAKE.flac, digits and other words by voices that the clips are not of (data.py words). The classifier (log mel,
four convolutions) knows eleven classes: the digits, and none of them, which it is taught with the other words, with digits played
backwards, cut in half or mixed with one another, and with noise of a digit's spectrum. A clip counts as recognised if a digit is likelier than 0.5.
Prints the share of the clips, how often each digit was heard, and the same of two controls: the clips backwards, and noise of their spectra.
With --truth the names of the clips say what is right (WORD_...), and the share of right ones is told too.
"""
import argparse, collections, json, pathlib, random, sys
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sashimi"))
from data import DIGITS, RATE, files, read, trim

NAMES = DIGITS.split(); NONE = len(NAMES); FRAMES = 72

def whole(x):
    """One clip of 0.72 s, from its first sound on, at one level."""
    y = trim(x, 10) if np.abs(x).max() > 1e-3 else x; n = FRAMES * 160; y = np.pad(y[:n], (0, max(0, n - len(y)))); return y / (np.abs(y).max() + 1e-6)
def filters(n=40, bins=257):
    mel = lambda f: 2595 * np.log10(1 + f / 700); edges = 700 * (10 ** (np.linspace(mel(80), mel(5000), n + 2) / 2595) - 1); f = np.linspace(0, RATE / 2, bins)
    return torch.tensor(np.stack([np.clip(np.minimum((f - a) / (b - a), (c - f) / (c - b)), 0, None) for a, b, c in zip(edges, edges[1:], edges[2:])]), dtype=torch.float32)
FILTERS = filters()
def spectrogram(waves):
    s = torch.stft(torch.tensor(np.stack(waves), dtype=torch.float32), 512, 160, window=torch.hann_window(512), return_complex=True).abs()[..., :FRAMES]; m = torch.log(FILTERS @ s + 1e-2); return m - m.mean((1, 2), keepdim=True)
def like_noise(x, r): s = np.fft.rfft(x); return np.fft.irfft(np.abs(s) * np.exp(2j * np.pi * r.random(len(s))), len(x))

class Classifier(nn.Module):
    def __init__(s): super().__init__(); s.net = nn.Sequential(*[f for a, b in ((40, 64), (64, 64), (64, 64)) for f in (nn.Conv1d(a, b, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Dropout(0.2))]); s.out = nn.Linear(64 * 9, NONE + 1)
    def forward(s, x): return s.out(s.net(x).flatten(1))

def batch(clips, r, n=64):
    """Waves and labels: a third is none of the digits."""
    waves, labels = [], []
    for _ in range(n):
        word, x = clips[r.integers(len(clips))]; y, label, kind = x, NAMES.index(word) if word in NAMES else NONE, r.random()
        if kind < 0.08: y, label = x[::-1], NONE
        elif kind < 0.14: y, label = like_noise(x, r), NONE
        elif kind < 0.2: half = len(x) // 2; y, label = (x[:half] if r.random() < 0.5 else x[half:]), NONE
        elif kind < 0.26: other = clips[r.integers(len(clips))]; half = len(x) // 2; label = label if other[0] == word else NONE; y = np.concatenate([x[:half], other[1][len(other[1]) // 2:]])
        speed = r.uniform(0.8, 1.25); y = np.interp(np.arange(0, len(y) - 1, speed), np.arange(len(y)), y); y = y + r.standard_normal(len(y)) * 10 ** r.uniform(-4, -1.6) * np.abs(y).max(); waves.append(whole(np.pad(y, (int(r.integers(0, 400)), 0)))); labels.append(label)
    return spectrogram(waves), torch.tensor(labels)

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--others", required=True); a.add_argument("--clips", required=True, nargs="+"); a.add_argument("--truth", action="store_true"); a.add_argument("--steps", type=int, default=1500); o = a.parse_args()
    torch.manual_seed(1); r = np.random.default_rng(1); clips = [(f.stem.split("_")[0], read(f)) for f in files(o.others)]; last = sorted({f.stem.split("_")[1] for f in files(o.others)})[-1]; known = [c for c, f in zip(clips, files(o.others)) if f.stem.split("_")[1] != last]; held = [c for c, f in zip(clips, files(o.others)) if f.stem.split("_")[1] == last]
    m = Classifier(); opt = torch.optim.AdamW(m.parameters(), 2e-3, weight_decay=0.02)
    for step in range(o.steps):
        for g in opt.param_groups: g["lr"] = 2e-3 * (1 - step / o.steps)
        x, y = batch(known, r); x = x + 0.5 * torch.randn(len(x), 1, 1); loss = F.cross_entropy(m(x), y); opt.zero_grad(); loss.backward(); opt.step()
    m.eval()
    @torch.no_grad()
    def hear(waves): p = F.softmax(m(spectrogram([whole(w) for w in waves])), 1); return [NAMES[i] if (i := int(q.argmax())) < NONE and q[i] > 0.5 else None for q in p]
    right = [h == (w if w in NAMES else None) for (w, _), h in zip(held, hear([x for _, x in held]))]; print(json.dumps({"a voice it never heard": last, "right": round(float(np.mean(right)), 3), "clips": len(right)}))
    for folder in o.clips:
        found = files(folder); waves = [read(f) for f in found]; said = hear(waves); share = lambda s: round(float(np.mean([h is not None for h in s])), 3); told = {"clips": folder, "n": len(found), "recognised": share(said), "heard": dict(collections.Counter(h for h in said if h)), "backwards": share(hear([w[::-1] for w in waves])), "noise": share(hear([like_noise(w, r) for w in waves]))}
        if o.truth: told["right"] = round(float(np.mean([h == f.stem.split("_")[0] for h, f in zip(said, found)])), 3)
        print(json.dumps(told))

if __name__ == "__main__": main()
