#!/usr/bin/env python3
"""Aligned speech of the many-voiced teacher: Kokoro-82M (Apache-2.0) under onnxruntime.

    kokoro_speech.py --graph kokoro.onnx --voices FOLDER --lines LINES.tsv --out DIR [--minutes 15] [--british 0.4] [--foreign 0.5] [--skip 6000] [--each 2]

kokoro.onnx is the public graph (it also comes in the npm packages kokoro-fp32{a,b,c}-shards, joined); FOLDER holds the style
vectors NAME.bin of kokoro-js (float32 [510, 256]). LINES.tsv has "phonemes<TAB>text". A share --british of the lines is read
by the British voices and mixtures of two of them, spelt in British phonemes (hibari's G2P); the others by single voices and by
new voices, mixtures of three slightly beyond their hull. With --foreign that share of the others has the timbre of one to three voices of any
language and the prosody of an English one. Each voice reads --each neighbouring lines. Durations and F0 are further outputs of the graph. Resumable; every 97th line stays out. Writes what prepare.py takes.
"""
import argparse, json, pathlib, random, time
import numpy as np, onnx, onnxruntime as ort, soundfile as sf
from onnx import TensorProto, helper

DURATIONS, F0 = "/encoder/Clip_output_0", "/encoder/Squeeze_output_0"

class Teacher:
    """The graph with durations (25 ms units) and F0 (12.5 ms) as outputs, and its voices [510, 256] by name."""
    TIMBRE = 128  # of the 256 numbers of a style vector; the others make durations and F0
    def __init__(self, graph, voices):
        m = onnx.load(graph); self.voices = {f.stem: np.fromfile(f, np.float32).reshape(-1, 256) for f in sorted(pathlib.Path(voices).rglob("*.bin")) if f.stem[2:3] == "_"}; self.english = [k for k in self.voices if k[0] in "ab"]
        for name in (DURATIONS, F0): m.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        options = ort.SessionOptions(); options.intra_op_num_threads = 1; self.session = ort.InferenceSession(m.SerializeToString(), options, providers=["CPUExecutionProvider"]); self.vocab = json.load(open(pathlib.Path(__file__).parent / "vocab.json"))
    def speak(self, phonemes, timbre, prosody, speed):
        """Phonemes by mixtures {voice: share} -> audio at 24 kHz, durations, F0 in Hz."""
        ids = [self.vocab[c] for c in phonemes if c in self.vocab][:509]; half = lambda mix: sum(w * self.voices[k][len(ids)] for k, w in mix.items())
        style = np.concatenate([half(timbre)[: self.TIMBRE], half(prosody)[self.TIMBRE:]])[None].astype(np.float32)
        return (x.reshape(-1) for x in self.session.run([self.session.get_outputs()[0].name, DURATIONS, F0], {"input_ids": np.array([[0] + ids + [0]]), "style": style, "speed": np.array([speed], np.float32)}))

def read_lines(path):
    """LINES.tsv -> (phonemes, text) of each."""
    return [l.rstrip("\n").split("\t") for l in open(path)]

def mixture(i, names, spread=0.6, by=0.25):
    """Shares of voices in mixture i, their sum 1, slightly beyond the hull."""
    k = len(names); return dict(zip(names, map(float, (1 + by) * np.random.default_rng(i).dirichlet([spread] * k) - by / k)))

def speaker(r, i, teacher, british, foreign):
    """Who reads line i: a name for the set and the mixtures that give timbre and prosody."""
    names = [k for k in teacher.english if k[0] == "b"] if british else teacher.english
    if r.random() < (0.5 if british else 0.33): v = r.choice(names); name, mix = f"p_{v}", {v: 1.0}
    elif british: a, b = r.sample(names, 2); w = r.uniform(0.2, 0.8); name, mix = f"w_{i}", {a: w, b: 1 - w}
    else: name, mix = f"w_{i}", mixture(i, r.sample(names, 3))
    if british or not foreign or r.random() >= foreign: return name, mix, mix
    k = r.randint(1, 3); return f"f_{i}", mixture(i, r.sample(list(teacher.voices), k)), {r.choice(names): 1.0}

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("graph", "voices", "lines", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--minutes", type=float, default=15); a.add_argument("--british", type=float, default=0.4); a.add_argument("--foreign", type=float, default=0.0); a.add_argument("--skip", type=int, default=0); a.add_argument("--each", type=int, default=1, help="neighbouring lines that one voice reads"); o = a.parse_args()
    from hibari.g2p import G2P
    british_phonemes = G2P(british=True); teacher = Teacher(o.graph, o.voices)
    out = pathlib.Path(o.out); (out / "wav").mkdir(parents=True, exist_ok=True); meta = open(out / "meta.jsonl", "a"); done = {json.loads(l)["n"] for l in open(out / "meta.jsonl")}
    lines = read_lines(o.lines); order = list(range(o.skip, len(lines), o.each)); random.Random(4).shuffle(order); start, made = time.time(), 0.0
    for first, i in ((first, i) for first in order for i in range(first, min(first + o.each, len(lines)))):
        if time.time() - start > 60 * o.minutes: break
        phonemes, text = lines[i]; r = random.Random(first)
        if i % 97 == 0 or 100_000 + i in done or "❓" in phonemes: continue
        british = r.random() < o.british; name, timbre, prosody = speaker(r, first, teacher, british, o.foreign); phonemes = british_phonemes(text) if british else phonemes
        y, dur, f0 = teacher.speak(phonemes, timbre, prosody, r.uniform(0.88, 1.12))
        if not np.isfinite(y).all() or np.abs(y).max() < 0.02: continue
        key = f"m{i:05d}"; sf.write(out / "wav" / f"{key}.flac", y * min(1.0, 0.95 / np.abs(y).max()), 24000, subtype="PCM_16"); np.savez(out / "wav" / f"{key}.npz", dur=np.round(dur).astype(np.uint8), f0=f0.astype(np.float16))
        meta.write(json.dumps({"n": 100_000 + i, "key": key, "speaker": name, "style": name, "phonemes": phonemes, "text": text, "samples": len(y)}, ensure_ascii=False) + "\n"); meta.flush(); made += len(y) / 24000
    print(f"{made / 60:.1f} min in {(time.time() - start) / 60:.1f} min")

if __name__ == "__main__": main()
