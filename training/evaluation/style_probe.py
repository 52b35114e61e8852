#!/usr/bin/env python3
"""How much of who speaks is left in a style: a probe on the mean of the style encoder's output.

    style_probe.py --sets DIR[,DIR...] --voice FOLDER --flow state.pt [--clips 8]

For every voice with so many clips: half of them teach a nearest-mean classifier in the whitened space of within-voice differences (LDA),
the other half are classified. Prints its accuracy on mean styles, the same for mean mels of the same clips, and chance. The classifier
that the style encoder was trained against is not the one that judges.
"""
import argparse, pathlib, sys
import torch
here = pathlib.Path(__file__).parent.parent; sys.path[:0] = [str(here / "stablevc"), str(here / "megatts2"), str(here), str(here / "vocoder")]
from data import Corpus
from network import STARTER, StableVc
from shipped import load

def accuracy(x):
    """x [voices, clips, features] -> share of the odd clips whose nearest mean of even clips is their own voice's."""
    learnt, asked = x[:, ::2], x[:, 1::2]; mean = learnt.mean(1); within = (learnt - mean[:, None]).flatten(0, 1); values, vectors = torch.linalg.eigh((within.T @ within / len(within)).double())
    w = (vectors * (values.clamp(min=0) + 1e-3 * values.mean()).rsqrt()).to(x.dtype); near = torch.cdist(asked.flatten(0, 1) @ w, mean @ w).argmin(1); return (near == torch.arange(len(x)).repeat_interleave(asked.shape[1])).float().mean().item()

@torch.no_grad()
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("sets", "voice", "flow"): a.add_argument("--" + n, required=True)
    a.add_argument("--clips", type=int, default=8); o = a.parse_args(); torch.set_num_threads(1)
    acoustic = load(o.voice).acoustic; m = StableVc(STARTER); m.load_state_dict(torch.load(o.flow)["average"]); m.eval(); voices = {}
    for u in Corpus(o.sets.split(",")).items:
        if u.frames >= 120: voices.setdefault(u.voice, []).append(u)
    styles, mels = [], []
    for name, lot in sorted(voices.items()):
        if len(lot) < o.clips: continue
        s, x = [], []
        for u in lot[: o.clips]:
            mel = u.prosody_mel()[None]; codes = acoustic.prosody.nearest(acoustic.prosody.latents(mel, torch.tensor([u.frames]))[0]); s.append(m.style(codes)[0].mean(0)); x.append(u.mel().mean(0))
        styles.append(torch.stack(s)); mels.append(torch.stack(x))
    styles, mels = torch.stack(styles), torch.stack(mels); print(f"{len(styles)} voices, {o.clips} clips each: by the mean style {100 * accuracy(styles):.1f} %, by the mean mel {100 * accuracy(mels):.1f} %, chance {100 / len(styles):.1f} %")

if __name__ == "__main__": main()
