#!/usr/bin/env python3
"""How many clips of spoken digits, or of other words, are recognised: by a small classifier trained on other voices.

    digits.py --others DIR --clips DIR ... [--truth] [--marked] [--words 'yes no ...'] [--classifier FILE]

DIR of --others: WORD_VOICE_TAKE.flac, digits and other words by voices that the clips are not of (data.py words). The classifier (log mel,
three convolutions) knows eleven classes: the digits, and none of them, which it is taught with the other words, with digits played
backwards, cut in half or mixed with one another, and with noise of a digit's spectrum. A clip counts as recognised if a digit is likelier than 0.5.
Prints the share of the clips, how often each digit was heard, and the same of two controls: the clips backwards, and noise of their spectra.
With --truth the names of the clips say what is right (WORD_...), with --marked the level they begin with does (data.py cut --mark), and the share of right
ones is told too; with --marked also how often each word was meant. With --words all this is of these words; the digits are then among the other words.
"""
import argparse, json, pathlib, sys
import numpy as np, soundfile as sf, torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sashimi"))
from data import DIGITS, RATE, files, marked, read

NAMES = DIGITS.split(); NONE = len(NAMES); FRAMES = 72

def whole(x):
    """One clip of 0.72 s, from its first sound on, at one level."""
    loud = np.flatnonzero(np.abs(x) > max(1e-3, 0.02 * np.abs(x).max())); y = x[max(0, loud[0] - RATE // 100):loud[-1] + 3 * RATE // 100] if len(loud) else x; n = FRAMES * 160
    y = np.pad(y[:n], (0, max(0, n - len(y)))); return y / (np.abs(y).max() + 1e-6)
def filters(n=40, bins=257):
    mel = lambda f: 2595 * np.log10(1 + f / 700); edges = 700 * (10 ** (np.linspace(mel(80), mel(3800), n + 2) / 2595) - 1); f = np.linspace(0, RATE / 2, bins)
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

def learn(clips, steps, r):
    m = Classifier(); opt = torch.optim.AdamW(m.parameters(), 2e-3, weight_decay=0.02)
    for step in range(steps):
        for g in opt.param_groups: g["lr"] = 2e-3 * (1 - step / steps)
        x, y = batch(clips, r); loss = F.cross_entropy(m(x + 0.5 * torch.randn(len(x), 1, 1)), y); opt.zero_grad(); loss.backward(); opt.step()
    return m.eval()

@torch.no_grad()
def hear(m, waves): p = F.softmax(m(spectrogram([whole(w) for w in waves])), 1); return [NAMES[i] if (i := int(q.argmax())) < NONE and q[i] > 0.5 else None for q in p]

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--others", required=True); a.add_argument("--clips", required=True, nargs="+"); a.add_argument("--truth", action="store_true"); a.add_argument("--marked", action="store_true"); a.add_argument("--words", default=DIGITS); a.add_argument("--steps", type=int, default=800); a.add_argument("--classifier", type=pathlib.Path, help="keep the classifier in this file, take it from there if it exists"); o = a.parse_args()
    global NAMES, NONE; NAMES = o.words.split(); NONE = len(NAMES); torch.manual_seed(1); r = np.random.default_rng(1); voice = lambda f: f.stem.split("_")[1]; word = lambda f: f.stem.split("_")[0]; share = lambda s: round(float(np.mean(s)), 3)
    if o.classifier and o.classifier.exists(): m = Classifier(); m.load_state_dict(torch.load(o.classifier)); m.eval()
    else:
        spoken = files(o.others); last = max(map(voice, spoken)); m = learn([(word(f), read(f)) for f in spoken if voice(f) != last], o.steps, r); held = [f for f in spoken if voice(f) == last]
        print(json.dumps({"a voice it never heard": last, "right": share([h == (word(f) if word(f) in NAMES else None) for f, h in zip(held, hear(m, [read(f) for f in held]))]), "clips": len(held)}), flush=True)
        if o.classifier: torch.save(m.state_dict(), o.classifier)
    for folder in o.clips:
        found = files(folder); waves = [read(f) for f in found]; said = hear(m, waves); digit = lambda waves: share([h is not None for h in hear(m, waves)])
        told = {"clips": folder, "n": len(found), "recognised": share([h is not None for h in said]), "heard": {d: said.count(d) for d in NAMES}, "backwards": digit([w[::-1] for w in waves]), "noise": digit([like_noise(w, r) for w in waves])}
        if o.truth: told["right"] = share([h == word(f) for h, f in zip(said, found)])
        if o.marked: meant = [NAMES[min(marked(read(f, None), sf.info(f).samplerate), NONE - 1)] for f in found]; told |= {"right": share([h == w for h, w in zip(said, meant)]), "meant": {w: meant.count(w) for w in NAMES}}
        print(json.dumps(told), flush=True)

if __name__ == "__main__": main()
