#!/usr/bin/env python3
"""Recordings without texts -> a folder of aligned speech that prepare.py takes, with the sounds the aligner hears.

    hear_real.py --manifest M.jsonl --aligner FOLDER --out DIR [--all]

For what learns from sounds, not from texts (voice conversion): the symbol of each 25 ms is the aligner's likeliest, runs of a
symbol are one. Recordings are cut at pauses into pieces of 2 to 7 s. F0 is left at zero: track_pitch fills it in. Without
--all, recordings that have a text are left to align_real.py.
"""
import argparse, json, pathlib, sys
import librosa, numpy as np, soundfile as sf, torch
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here / "megatts2"), str(here / "vocoder")]
from aligner import PAUSES
from level import gain_of
from shipped import load
from spectrum import HOP, RATE, mel_spectrogram

SPACE = 16  # the pad stands at the ends only

def pieces(quiet, shortest=80, longest=280):
    """Cuts in units, in the middle of pauses where there are any: (from, to) of `shortest` to `longest` units."""
    cuts, at = [], 0
    while len(quiet) - at > longest:
        runs = [k for k in range(at + shortest, at + longest) if quiet[k - 2: k + 2].all()]; cut = runs[len(runs) // 2] if runs else at + longest; cuts.append((at, cut)); at = cut
    return cuts + [(at, len(quiet))] if len(quiet) - at >= shortest else cuts

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("manifest", "aligner", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--all", action="store_true"); a.add_argument("--vocab", default=str(here / "vocab.json")); o = a.parse_args(); torch.set_num_threads(1)
    symbol = {v: k for k, v in json.load(open(o.vocab)).items()}; out = pathlib.Path(o.out); (out / "wav").mkdir(parents=True, exist_ok=True); net = load(o.aligner).aligner; meta = open(out / "meta.jsonl", "w"); number = 300_000; total = 0
    for m in map(json.loads, open(o.manifest)):
        if m["text"] and not o.all: continue
        y, _ = librosa.load(pathlib.Path(o.manifest).parent / m["path"], sr=RATE); y = y[: len(y) // (2 * HOP) * 2 * HOP]; y = y * gain_of(y)
        with torch.no_grad(): best = net.posteriors(mel_spectrogram(torch.from_numpy(y)[None]))[0].argmax(1).numpy()
        best = np.array([k if k in symbol else SPACE for k in best])
        for i, (a0, b0) in enumerate(pieces(np.isin(best, PAUSES))):
            row = best[a0:b0]; starts = np.flatnonzero(np.diff(row, prepend=-1)); ids = [0, *row[starts], 0]; units = [1, *np.diff([*starts, len(row)]), 1]; units[1] -= 1; units[-2] -= 1
            keep = [k for k in range(len(ids)) if units[k] > 0]
            if keep[0] != 0 or keep[-1] != len(ids) - 1 or max(units) > 250: continue
            ids, units = [ids[k] for k in keep], [units[k] for k in keep]; clip = y[a0 * 2 * HOP: b0 * 2 * HOP]; key = f"{pathlib.Path(m['path']).stem}_{i}"; number += 1; total += len(row)
            sf.write(out / "wav" / f"{key}.flac", np.clip(clip, -1, 1), RATE, subtype="PCM_16"); np.savez(out / "wav" / f"{key}.npz", dur=np.array(units, np.uint8), f0=np.zeros(2 * len(row), np.float16))
            meta.write(json.dumps({"n": number, "key": key, "speaker": m["speaker"], "style": m["speaker"], "phonemes": "".join(symbol[k] for k in ids[1:-1]), "text": "", "samples": len(clip), "utterance": m["path"]}, ensure_ascii=False) + "\n")
    print(f"{total / 40 / 60:.1f} min")

if __name__ == "__main__": main()
