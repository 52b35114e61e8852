#!/usr/bin/env python3
"""Voice conversion judged as a user meets it, through the command line.

    converting.py --syrinx PATH --speakers DIR [--references DIR] --out DIR [--seconds 10] [--turns 1] [--styles] [--live PRESET [--cold]] [--tracker PATH] [-- EXTRA FLAGS]

DIR holds one recording a speaker (any format; NAME.txt beside it with its words, NAME.npy with its F0 in Hz each 12.5 ms, if they are known). The first SECONDS of each are both
a source and a target (or the recordings of the same names under --references are the targets): every speaker is converted into the voice of others, TURNS each. Prints cosine similarity (Resemblyzer) to the target and to the
source, the share of pairs where the former is greater, how often the target is the nearest of all, the correlation of ln F0 (WORLD; with --tracker
also by the engine's own, its example track_pitch) with the source and, with --styles, how the spread of ln F0 follows a style clip of another speaker. Writes OUT/manifest.jsonl for word error rates and naturalness, in
groups "source" and "converted". With --live the engine of the live stream converts, chunk by chunk with the delay of that preset; it hears every clip twice and
is judged by the second time, as a stream knows its speaker after some seconds (--cold: by the first).
"""
import argparse, json, pathlib, subprocess, time
import librosa, numpy as np, pyworld, soundfile as sf

def contour(y, rate):
    """F0 in Hz every 12.5 ms, 0 where unvoiced."""
    x = y.astype(np.float64); return pyworld.stonemask(x, *pyworld.dio(x, rate, f0_floor=55, f0_ceil=500, frame_period=12.5), rate)

def tracked(tracker, y, rate, folder):
    """The same by the engine's tracker."""
    y = librosa.resample(y, orig_sr=rate, target_sr=24000); n = len(y) // 300; wave, found = folder / "wave.i16", folder / "f0.f32"; (np.clip(y[: n * 300], -1, 1) * 32767).astype(np.int16).tofile(wave)
    subprocess.run([tracker, wave, found], input=str(n), text=True, check=True); return np.fromfile(found, np.float32)

def alike(f, g):
    """Correlation of ln F0 where both are voiced."""
    m = min(len(f), len(g)); both = (f[:m] > 0) & (g[:m] > 0); return np.corrcoef(np.log(f[:m][both]), np.log(g[:m][both]))[0, 1]

def spread(f): f = np.log(f[f > 0]); return float(np.subtract(*np.quantile(f, [0.9, 0.1]))) / 2.56

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("syrinx", "speakers", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--seconds", type=float, default=10); a.add_argument("--turns", type=int, default=1); a.add_argument("--references"); a.add_argument("--limit", type=int, default=1000); a.add_argument("--styles", action="store_true"); a.add_argument("--live"); a.add_argument("--cold", action="store_true"); a.add_argument("--tracker"); a.add_argument("extra", nargs="*"); o = a.parse_args(); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    from resemblyzer import VoiceEncoder, preprocess_wav
    encoder = VoiceEncoder("cpu", verbose=False); embed = lambda f: encoder.embed_utterance(preprocess_wav(f)); files = sorted(f for f in pathlib.Path(o.speakers).iterdir() if f.suffix in (".wav", ".flac", ".opus", ".mp3"))[: o.limit]; clips, sounds, known, targets = [], [], [], []; trackers = {"WORLD": contour} | ({"the engine's tracker": lambda y, rate: tracked(o.tracker, y, rate, out)} if o.tracker else {}); heard_by = lambda y, rate: {way: track(y, rate) for way, track in trackers.items()}
    for f in files:
        y, rate = librosa.load(f, sr=None); y = y[: int(o.seconds * rate)]; clip = out / f"{f.stem}_clip.wav"; sf.write(clip, y, rate); clips.append(clip); own = heard_by(y, rate); sounds.append(own["WORLD"])
        if (f0 := f.with_suffix(".npy")).exists(): own = dict.fromkeys(trackers, np.load(f0)[: len(own["WORLD"])])
        known.append(own)
        if o.references:
            y, rate = librosa.load(next(pathlib.Path(o.references).glob(f.stem + ".*")), sr=None); targets.append(out / f"{f.stem}_target.wav"); sf.write(targets[-1], y[: int(o.seconds * rate)], rate)
    targets = targets or clips; refs = np.stack([embed(c) for c in targets]); rows, to, frm, top, corr, pairs, took = [], [], [], [], {}, [], 0.0; n = len(clips)
    for i in range(n):
        text = files[i].with_suffix(".txt"); text = {"text": text.read_text().strip()} if text.exists() else {}; rows.append({"wav": clips[i].name, "group": "source"} | text)
        for k in range(o.turns):
            j = (i + 3 + 5 * k) % n; wav = out / f"{files[i].stem}_as_{files[j].stem}.wav"; style = (i + 7) % n; flags = ["--style", targets[style]] if o.styles else []; start = time.time()
            heard, twice = clips[i], bool(o.live) and not o.cold
            if twice: y, rate = sf.read(heard); heard = out / "twice.wav"; sf.write(heard, np.concatenate([y, y]), rate)
            command = ["live", "--preset", o.live, "--from", heard, "--record", wav] if o.live else ["convert", clips[i], "-o", wav]
            subprocess.run([o.syrinx, *command, "-y", "--voice", targets[j], *flags, *o.extra], check=True, capture_output=True); took += time.time() - start
            if twice: y, rate = sf.read(wav); sf.write(wav, y[len(y) // 2:], rate)
            y, rate = librosa.load(wav, sr=None); s = refs @ embed(wav); to.append(s[j]); frm.append(s[i]); top.append(s.argmax() == j); found = heard_by(y, rate); f = found["WORLD"]
            for way in trackers: corr.setdefault(way, []).append(alike(found[way], known[i][way]))
            pairs.append((spread(f), spread(sounds[style]), spread(sounds[i]))); rows.append({"wav": wav.name, "reference": targets[j].name, "group": "converted"} | text)
    (out / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n"); to, frm = np.array(to), np.array(frm); between = refs @ refs.T; np.fill_diagonal(between, np.nan)
    follows = ", ".join(f"{np.mean(c):.2f} (median {np.median(c):.2f}) by {way}" for way, c in corr.items())
    print(f"{n} speakers, {len(to)} pairs: similarity to the target {to.mean():.3f} (worst tenth below {np.quantile(to, 0.1):.3f}), to the source {frm.mean():.3f} (speakers among each other {np.nanmean(between):.3f}), nearer the target {100 * np.mean(to > frm):.0f} %, target nearest of {n} {100 * np.mean(top):.0f} %, F0 correlation with the source {follows}, {took / len(to):.2f} s a clip")
    if o.styles: p = np.array(pairs); print(f"spread of ln F0: correlation with the style clip's {np.corrcoef(p[:, 0], p[:, 1])[0, 1]:.2f}, with the source's {np.corrcoef(p[:, 0], p[:, 2])[0, 1]:.2f}; means {p.mean(0).round(3)} (converted, style, source); half of them are within {100 * np.median(np.abs(np.log(p[:, 0] / p[:, 1]))):.0f} % of the style clip's and {100 * np.median(np.abs(np.log(p[:, 0] / p[:, 2]))):.0f} % of the source's")

if __name__ == "__main__": main()
