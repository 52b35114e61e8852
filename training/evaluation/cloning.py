#!/usr/bin/env python3
"""Zero-shot voices, judged as a user meets them: one clip in, sentences out, through the command line.

    cloning.py --syrinx PATH --references DIR --out DIR [--seconds 10] [--sentences FILE] [--per-speaker 2] [--weights FOLDER] [-- EXTRA FLAGS]

DIR holds one recording a speaker (any format). Cuts the first SECONDS of each, has it speak sentences nobody recorded, writes
OUT/manifest.jsonl (wav, text, reference, group) for word error rates and naturalness, and prints what needs all speakers
together: cosine similarity (Resemblyzer) to the reference, its quantiles, and how often the right reference is the nearest of 20:
the share to be expected over all choices of 19 others, with its standard error over speakers.
"""
import argparse, json, math, pathlib, subprocess, sys
import librosa, numpy as np, soundfile as sf

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("syrinx", "references", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--seconds", type=float, default=10); a.add_argument("--sentences", default=str(pathlib.Path(__file__).parent / "sentences.txt")); a.add_argument("--per-speaker", type=int, default=2)
    a.add_argument("--weights"); a.add_argument("--at-least", type=float, default=0, help="leave out recordings shorter than this, s"); a.add_argument("extra", nargs="*"); o = a.parse_args(); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    from resemblyzer import VoiceEncoder, preprocess_wav
    enc = VoiceEncoder("cpu", verbose=False); lines = [l.strip() for l in open(o.sentences) if l.strip()]; refs, made = [], []; manifest = open(out / "manifest.jsonl", "w")
    files = sorted(f for f in pathlib.Path(o.references).iterdir() if f.suffix in (".wav", ".flac", ".opus", ".mp3")); i = 0
    for f in files:
        y, rate = librosa.load(f, sr=None)
        if len(y) < o.at_least * rate: continue
        clip = out / f"{f.stem}_ref.wav"; sf.write(clip, y[: int(o.seconds * rate)], rate); refs.append(enc.embed_utterance(preprocess_wav(clip)))
        for j in range(o.per_speaker):
            text = lines[(i * o.per_speaker + j) % len(lines)]; wav = out / f"{f.stem}_{j}.wav"
            subprocess.run([o.syrinx, "say", "--voice", str(clip), "-o", str(wav), "--seed", str(j), *(["--weights", o.weights] if o.weights else []), *o.extra, text], check=True, capture_output=True)
            manifest.write(json.dumps({"wav": wav.name, "text": text, "reference": clip.name, "group": "cloning"}) + "\n"); made.append((i, enc.embed_utterance(preprocess_wav(wav))))
        i += 1
    r = np.stack(refs); n = len(r); lot = min(19, n - 1); made = [(i, r @ e) for i, e in made]; sims = np.array([near[i] for i, near in made])
    # The clip is told right if none of the nearer references is among the others drawn.
    nearer = [int((near > near[i]).sum()) for i, near in made]; top = np.array([math.comb(n - 1 - k, lot) / math.comb(n - 1, lot) for k in nearer])
    each = top.reshape(n, -1).mean(1); error = each.std() / math.sqrt(n)
    print(f"{n} speakers, {len(made)} clips, references of {o.seconds:g} s: similarity {sims.mean():.3f} (worst tenth below {np.quantile(sims, 0.1):.3f}), nearest of {lot + 1}: {100 * top.mean():.1f} % (standard error {100 * error:.1f})")

if __name__ == "__main__": main()
