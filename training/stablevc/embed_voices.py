#!/usr/bin/env python3
"""d-vectors of the utterances of prepared sets, which the speaker encoder learns to give.

    embed_voices.py --sets DIR[,DIR...] --out FILE.pt --minutes M

Resemblyzer (Apache-2.0) on up to 5 s of a recording, as it is and played slower or faster (formants and F0 move together, as of another
person). Resumable; goes through the utterances in a random order until the time is over. FILE.pt: {(key, higher): [256]}.
"""
import argparse, pathlib, random, sys, time
import numpy as np, scipy.signal, torch
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here.parent / "megatts2"), str(here.parent)]
from data import Corpus
from speaker import SpeakerEncoder

HIGHER = (0.88, 0.94, 1.0, 1.065, 1.135)

def dvectors_of(table, utterances):
    """FILE.pt as read -> {(voice, higher): [256]}, the mean over those of a voice's utterances that are in it."""
    voice_of, voices = {u.key: u.voice for u in utterances}, {}
    for (key, h), e in table.items():
        if key in voice_of: voices.setdefault((voice_of[key], h), []).append(e)
    return {k: torch.nn.functional.normalize(torch.stack(v).mean(0), dim=0) for k, v in voices.items()}

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--sets", required=True); a.add_argument("--out", required=True); a.add_argument("--minutes", type=float, default=6); o = a.parse_args()
    torch.set_num_threads(1); corpus = Corpus(o.sets.split(",")); encoder = SpeakerEncoder(); out = pathlib.Path(o.out); table = torch.load(out) if out.exists() else {}; r = random.Random(3); jobs = []
    for voice, items in corpus.by_voice.items():
        items = sorted(items, key=lambda u: u.key); r.shuffle(items)
        for k, u in enumerate(items[: 8 if voice[0] != "h" else 20]): jobs += [(k + 3 * (h != 1.0) + r.random(), u, h) for h in ((1.0, r.choice(HIGHER[:2]), r.choice(HIGHER[3:])) if voice[0] != "h" else (1.0,))]
    jobs.sort(key=lambda j: j[0]); start = time.time()
    for _, u, h in jobs:
        if time.time() - start > 60 * o.minutes: break
        if (u.key, h) in table or u.frames < 130: continue
        y = u.audio(0, min(u.frames, 400)).numpy()
        if h != 1: y = scipy.signal.resample_poly(y, 100, round(100 * h)).astype(np.float32)
        n = 38400; y = np.tile(y, -(-n // len(y))) if len(y) < n else y; steps = range(0, len(y) - n + 1, n // 2)
        with torch.no_grad(): e = encoder(torch.from_numpy(np.stack([y[k: k + n] for k in steps]))).mean(0)
        table[u.key, h] = torch.nn.functional.normalize(e, dim=0)
    torch.save(table, out); print(len(table), "of", len(jobs), "embedded")

if __name__ == "__main__": main()
