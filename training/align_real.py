#!/usr/bin/env python3
"""Recordings of real people with their texts -> a folder of aligned speech that prepare.py takes.

    align_real.py --manifest M.jsonl [--transcripts T.jsonl] --aligner (state.pt | FOLDER of exported weights) --out DIR

M.jsonl: path (relative to it), speaker, text (or null; then T.jsonl has path, text from a recogniser). Texts become
phonemes (hibari's G2P, as in the teachers' lines), the aligner gives durations, WORLD the F0; long pauses become commas,
utterances are cut at pauses into sentences of 2 to 7 s, each with its pads. Those that fit badly are left out.
"""
import argparse, json, math, pathlib, re, sys
import librosa, numpy as np, pyworld, soundfile as sf, torch
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here / "megatts2"), str(here / "vocoder")]
from aligner import ALIGNER, PAUSES, Aligner, align
from level import gain_of
from shipped import load
from spectrum import HOP, RATE, mel_spectrogram

COMMA, SPACE = 3, 16

def contour(y):
    """F0 [T] in Hz, one per hop, zero where unvoiced."""
    x = y.astype(np.float64); f, t = pyworld.dio(x, RATE, f0_floor=55, f0_ceil=480, frame_period=1000 * HOP / RATE); f = pyworld.stonemask(x, f, t, RATE)
    voiced = f[f > 0]
    if len(voiced): # octave slips against the speaker's median
        m = np.median(voiced); f = np.where((f > 2.2 * m) | ((f > 0) & (f < 0.45 * m)), 0, f)
    return f[: len(y) // HOP]

def cut(ids, units, shortest=80, widest=4):
    """Sentences as lists of (symbol, units), pads included: cut inside runs of pauses of `widest` units or more, half to each side."""
    out, row, run = [], [(0, units[0])], []
    def flush():
        nonlocal row, run
        n = sum(d for _, d in run)
        if n >= widest and sum(d for _, d in row) > shortest: out.append(row + [(0, n // 2)]); row = [(0, n - n // 2)]
        else: row += run
        run = []
    for s, d in zip(ids[1:-1], units[1:-1]):
        if s in PAUSES: run.append((s, d))
        else: flush(); row.append((s, d))
    return out + [row + run + [(0, units[-1])]]

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("manifest", "aligner", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--transcripts"); a.add_argument("--worst", type=float, default=-1.6); a.add_argument("--vocab", default=str(here / "vocab.json")); o = a.parse_args()
    torch.set_num_threads(1); from hibari.g2p import G2P
    g2p = G2P(); vocab = json.load(open(o.vocab)); symbol = {v: k for k, v in vocab.items()}; out = pathlib.Path(o.out); (out / "wav").mkdir(parents=True, exist_ok=True)
    net = load(o.aligner).aligner if pathlib.Path(o.aligner).is_dir() else None
    if net is None: net = Aligner(**ALIGNER); net.load_state_dict(torch.load(o.aligner)["average"])
    net.eval(); base = pathlib.Path(o.manifest).parent
    heard = {x["path"]: x["text"] for x in map(json.loads, open(o.transcripts))} if o.transcripts else {}
    meta = open(out / "meta.jsonl", "w"); number = 200_000; total = dropped = 0; scores = []
    for m in map(json.loads, open(o.manifest)):
        text = m["text"].lower() if m["text"] else heard.get(m["path"], "")
        if not text.strip(): continue
        y, _ = librosa.load(base / m["path"], sr=RATE); y = y[: len(y) // (2 * HOP) * 2 * HOP]; y = y * gain_of(y); ids = [0] + [vocab[c] for c in g2p(text) if c in vocab] + [0]
        mel = mel_spectrogram(torch.from_numpy(y)[None])
        try:
            with torch.no_grad(): units, score = align(net.posteriors(mel)[0], net.prior, torch.tensor(ids))
        except ValueError as e: print(m["path"], e); dropped += 1; continue
        scores.append(score)
        if score < o.worst: dropped += 1; continue
        units = units.tolist(); f0 = contour(y); at = 0; full, durations = [], []
        for s, d in zip(ids, units):  # a long gap between words reads as a comma
            if s == SPACE and d >= 8 and full[-1] not in PAUSES: full += [COMMA, SPACE]; durations += [d - 1, 1]
            else: full.append(s); durations.append(d)
        for i, row in enumerate(cut(full, durations)):
            n = sum(d for _, d in row); clip = y[at * 2 * HOP: (at + n) * 2 * HOP]; f = f0[at * 2: (at + n) * 2]; at += n
            if len(clip) != n * 2 * HOP or len(f) != 2 * n: break
            if not 60 <= n <= 480 or any(d > 80 for _, d in row): dropped += 1; continue
            key = f"{pathlib.Path(m['path']).stem}_{i}"; number += 1; phonemes = "".join(symbol[s] for s, _ in row[1:-1]); total += n
            sf.write(out / "wav" / f"{key}.flac", np.clip(clip, -1, 1), RATE, subtype="PCM_16"); np.savez(out / "wav" / f"{key}.npz", dur=np.array([d for _, d in row], np.uint8), f0=f.astype(np.float16))
            meta.write(json.dumps({"n": number, "key": key, "speaker": m["speaker"], "style": m["speaker"], "phonemes": phonemes, "text": text if i == 0 else "", "samples": len(clip), "utterance": m["path"]}, ensure_ascii=False) + "\n")
    q = np.quantile(scores, [0.01, 0.05, 0.25, 0.5, 0.75]); print(f"{total / 40 / 60:.1f} min, {dropped} dropped, score quantiles 1/5/25/50/75 %:", np.round(q, 2))

if __name__ == "__main__": main()
