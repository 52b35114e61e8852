#!/usr/bin/env python3
"""The teachers read the evaluation sentences, dealt out over the built-in voices: the yardstick for speak_all.py --share.

    teacher.py --tools FOLDER-OF-make_speech.py --voices voices.json --out DIR
"""
import argparse, json, pathlib, sys
import numpy as np, soundfile as sf

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("tools", "voices", "out"): a.add_argument("--" + n, required=True)
    o = a.parse_args(); sys.path.insert(0, o.tools)
    import importlib.util, onnxruntime as ort, make_speech
    from hibari import Hibari
    from hibari.g2p import G2P
    cache = pathlib.Path.home() / ".cache/syrinx-teacher"; vocab = {k or " ": v for k, v in json.load(open(pathlib.Path(importlib.util.find_spec("kokoro_onnx").origin).parent / "config.json"))["vocab"].items()}; vocab[" "] = 16
    styles = {f.stem: np.fromfile(f, np.float32).reshape(-1, 256) for f in make_speech.npm("kokoro-js", cache).rglob("voices/*.bin")}
    so = ort.SessionOptions(); so.intra_op_num_threads = 1; kokoro = ort.InferenceSession(str(make_speech.teacher(cache)), so, providers=["CPUExecutionProvider"]); fast = Hibari(threads=1); g2p = {"American": G2P(), "British": G2P(british=True)}
    out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); voices = json.load(open(o.voices)); lines = (pathlib.Path(__file__).parent / "sentences.txt").read_text().splitlines()
    with open(out / "manifest.jsonl", "w") as m:
        for i, text in enumerate(lines):
            v = voices[i % len(voices)]; ph = g2p[v["accent"]](text); name = v["speaker"][2:]
            if v["speaker"].startswith("h_"): y = fast(text)
            else:
                ids = [vocab[c] for c in ph if c in vocab]; y = kokoro.run(None, {"input_ids": np.array([[0] + ids + [0]]), "style": styles[name][len(ids)][None].astype(np.float32), "speed": np.ones(1, np.float32), "f0_scale": np.ones(1, np.float32)})[0].reshape(-1)
            y = np.asarray(y[0] if isinstance(y, tuple) else getattr(y, "audio", y), np.float32).reshape(-1); sf.write(out / f"{v['name']}_{i:02d}.wav", y * min(1, 0.95 / np.abs(y).max()), 24000); m.write(json.dumps({"wav": f"{v['name']}_{i:02d}.wav", "text": text, "group": v["name"]}) + "\n"); m.flush()

if __name__ == "__main__": main()
