#!/usr/bin/env python3
"""Mels as the acoustic model decodes them (true durations, own codes and references), to fine-tune the vocoder on.

    decode_set.py --sets DIR[,DIR...] --acoustic state.pt --out DIR --minutes-of-speech M [--keys parts.json]

Writes DIR/{mel.f16, f0.f16, index.json}; F0 is the true one, so that the audio stays a valid target. Utterances of
the fast set that `--keys` (the table of vocoder/parts.py) lists come first.
"""
import argparse, json, pathlib, random, sys
import numpy as np, torch
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from data import Corpus
from train_acoustic import held_out
from train_prosody import load_acoustic

@torch.no_grad()
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("sets", "acoustic", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--minutes-of-speech", type=float, default=60); a.add_argument("--keys"); a.add_argument("--threads", type=int, default=1); o = a.parse_args()
    torch.set_num_threads(o.threads); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); m = load_acoustic(o.acoustic); corpus = Corpus(o.sets.split(","), held_out); r = random.Random(7)
    listed = {x["frame"] for x in json.load(open(o.keys))} if o.keys else set(); items = [u for u in corpus.items if u.x["speaker"][0] == "h" and u.f.start in listed]; others = [u for u in corpus.items if u.x["speaker"][0] in "pv"]; r.shuffle(others)
    budget = o.minutes_of_speech * 4800; kept = []; 
    for u in items + others:
        if budget < 0: break
        kept.append(u); budget -= u.frames
    kept.sort(key=lambda u: u.frames); index, at = [], 0; mel_file, f0_file = open(out / "mel.f16", "wb"), open(out / "f0.f16", "wb")
    for i in range(0, len(kept), 8):
        lot = kept[i: i + 8]; y = m(corpus.collate(lot, r))["mel"]
        for u, x in zip(lot, y):
            mel_file.write(x[:, : u.frames].T.numpy().astype(np.float16).tobytes()); f0_file.write(u.f0().numpy().astype(np.float16).tobytes()); index.append({"key": u.key, "at": at, "frames": u.frames, "frame": u.f.start, "fast": u.key.startswith("h")}); at += u.frames
    json.dump(index, open(out / "index.json", "w")); print(f"{len(index)} utterances, {at / 4800:.1f} min")

if __name__ == "__main__": main()
