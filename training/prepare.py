#!/usr/bin/env python3
"""Turn folders of aligned speech into one memory-mapped training set.

    prepare.py OUT SOURCE [SOURCE ...] [--hold-out SPEAKER,SPEAKER]

A SOURCE is a folder with meta.jsonl and, for each key, audio (wav/KEY.flac or audio/KEY.opus) and alignment
(wav/KEY.npz or one align.npz with KEY/dur, KEY/f0): durations in 25 ms units per symbol, F0 in Hz each 12.5 ms.
Writes OUT/{mel.f16, f0.f16, audio.i16, units.u8, ids.i16, index.json}. Resumable: utterances already in the
index are kept, new ones are appended. Everything is on one 24 kHz grid: hop 300, two frames a unit.
"""
import argparse, json, pathlib
import numpy as np, soundfile as sf, torch
from spectrum import HOP, RATE, mel_spectrogram

def alignment(source, key, bundle):
    if bundle is not None: return bundle[f"{key}/dur"], bundle[f"{key}/f0"]
    z = np.load(source / "wav" / f"{key}.npz"); return z["dur"], z["f0"]

def audio(source, key):
    for path in (source / "wav" / f"{key}.flac", source / "audio" / f"{key}.opus"):
        if path.exists():
            y, rate = sf.read(path, dtype="float32")
            if rate != RATE: raise ValueError(f"{path}: {rate} Hz, expected {RATE}")
            return y
    raise FileNotFoundError(f"no audio for {key} in {source}")

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("out"); a.add_argument("sources", nargs="+"); a.add_argument("--vocab", default=str(pathlib.Path(__file__).parent / "vocab.json"))
    o = a.parse_args(); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    vocab = json.load(open(o.vocab)); path = out / "index.json"
    index = json.load(open(path)) if path.exists() else []
    have = {x["key"] for x in index}
    files = {n: open(out / n, "ab") for n in ("mel.f16", "f0.f16", "audio.i16", "units.u8", "ids.i16")}
    frame = sum(x["frames"] for x in index); symbol = sum(x["symbols"] for x in index)
    # a run that was stopped may have written more than it indexed
    for n, size in (("mel.f16", frame * 200), ("f0.f16", frame * 2), ("audio.i16", frame * 2 * HOP), ("units.u8", symbol), ("ids.i16", symbol * 2)): files[n].truncate(size)
    def save():
        for f in files.values(): f.flush()
        t = path.with_suffix(".tmp"); t.write_text(json.dumps(index)); t.rename(path)
    for source in map(pathlib.Path, o.sources):
        bundle = np.load(source / "align.npz") if (source / "align.npz").exists() else None
        for line in open(source / "meta.jsonl"):
            m = json.loads(line)
            if m["key"] in have: continue
            try: y = audio(source, m["key"]); dur, f0 = alignment(source, m["key"], bundle)
            except (OSError, KeyError) as e: print("skipped", m["key"], e); continue
            ids = [0] + [vocab[c] for c in m["phonemes"] if c in vocab] + [0]; frames = 2 * int(dur.sum())
            if len(ids) != len(dur) or frames != len(f0) or abs(len(y) - frames * HOP) > HOP: print("skipped", m["key"], len(ids), len(dur), frames, len(f0), len(y)); continue
            y = np.pad(y, (0, max(0, frames * HOP - len(y))))[: frames * HOP]
            mel = mel_spectrogram(torch.from_numpy(y)[None])[0].T.numpy()
            files["mel.f16"].write(mel.astype(np.float16).tobytes()); files["f0.f16"].write(f0.astype(np.float16).tobytes())
            files["audio.i16"].write((np.clip(y, -1, 1) * 32767).astype(np.int16).tobytes())
            files["units.u8"].write(dur.astype(np.uint8).tobytes()); files["ids.i16"].write(np.asarray(ids, np.int16).tobytes())
            index.append({"key": m["key"], "n": m["n"], "speaker": m["speaker"], "style": m["style"], "phonemes": m["phonemes"], "text": m["text"], "frame": frame, "frames": frames, "symbol": symbol, "symbols": len(ids)})
            frame += frames; symbol += len(ids); have.add(m["key"])
            if len(index) % 500 == 0: save(); print(len(index), f"{frame * HOP / RATE / 3600:.2f} h", flush=True)
        save()
    print(f"{len(index)} utterances, {frame * HOP / RATE / 3600:.2f} h, {len({x['speaker'] for x in index})} speakers")

if __name__ == "__main__": main()
