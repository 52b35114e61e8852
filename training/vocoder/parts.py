#!/usr/bin/env python3
"""Spectral parts of the fast teacher (hibari-tts, Apache-2.0) as regression targets for the vocoder.

    parts.py --set DIR --out FILE.npy --lines N

Re-runs the teacher on lines of a prepared fast set and writes, beside FILE.npy (float16 [frames, 4, 601]: ln harmonic,
theta, ln free, phi), FILE.json with the frame range of each utterance in the set.
"""
import argparse, json, pathlib, random, sys
import numpy as np, onnxruntime as ort, hibari
from hibari import Hibari

def stretch(x, a):
    """Formants of x [601, F] moved up by the factor a, as make_fast_speech.py does."""
    b = np.clip(np.arange(601) / a, 0, 600); i = np.minimum(b.astype(int), 599); w = (b - i)[:, None].astype(np.float32)
    return x[i] * (1 - w) + x[i + 1] * w

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--set", required=True); a.add_argument("--out", required=True); a.add_argument("--lines", type=int, default=600); o = a.parse_args()
    h = Hibari(threads=1); so = ort.SessionOptions(); so.intra_op_num_threads = 1
    s = ort.InferenceSession(str(pathlib.Path(hibari.__file__).parent / "assets" / "hibari.onnx"), so, providers=["CPUExecutionProvider"])
    index = [x for x in json.load(open(pathlib.Path(o.set) / "index.json")) if x["frames"] < 800 and x["n"] % 97]; random.Random(3).shuffle(index)
    index = sorted(index[: o.lines], key=lambda x: x["frame"]); parts = np.lib.format.open_memmap(o.out, "w+", np.float16, (sum(x["frames"] for x in index), 4, 601)); at = 0; table = []
    for x in index:
        speed = random.Random(5000 + x["n"]).uniform(0.85, 1.15); r = s.run(None, {"ids": np.asarray([h.ids(x["phonemes"])], np.int64), "speed": np.asarray([speed], np.float32)})
        lh, th, _, lr, phi = (y[0] for y in r[:5]); w = float(x["speaker"].split("_")[1]) if x["speaker"].startswith("h_") else 1.0
        if lh.shape[1] != x["frames"]: continue
        if w != 1.0: lh, lr = stretch(lh, w), stretch(lr, w)
        parts[at: at + x["frames"]] = np.stack([np.clip(lh, -12, 8), np.clip(th, -9, 9), np.clip(lr, -12, 8), phi]).transpose(2, 0, 1); table.append({"at": at, "frame": x["frame"], "frames": x["frames"]}); at += x["frames"]
    json.dump(table, open(pathlib.Path(o.out).with_suffix(".json"), "w")); print(f"{len(table)} utterances, {at / 80 / 60:.1f} min")

if __name__ == "__main__": main()
