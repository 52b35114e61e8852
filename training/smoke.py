#!/usr/bin/env python3
"""Every training stage for a few seconds on made-up speech: proof that the recipes run, nothing more.

    smoke.py [FOLDER] [--whisper FOLDER]

Makes eight buzzing "utterances" of two speakers, then runs prepare, the vocoder, stage 1, stage 2 and the export, and
checks that the exported files hold the tensors they should. With Whisper (a folder in CTranslate2's format) the converter listens with it too. Takes about a minute on two cores.
"""
import argparse, json, pathlib, subprocess, sys, tempfile
import numpy as np, soundfile as sf
from safetensors import safe_open

here = pathlib.Path(__file__).parent

def speech(folder):
    """Pulse trains with a moving formant: durations, F0 and audio on the training grid."""
    (folder / "wav").mkdir(parents=True); r = np.random.default_rng(0); phonemes = "hˈɛlO wˈɜɹld."; vocab = json.load(open(here / "vocab.json"))
    with open(folder / "meta.jsonl", "w") as meta:
        for n in range(1, 9):
            dur = r.integers(2, 14, len([c for c in phonemes if c in vocab]) + 2).astype(np.uint8); frames = 2 * int(dur.sum()); f0 = np.full(frames, 110.0 if n % 2 else 190.0) + 10 * np.sin(np.arange(frames) / 9 + n)
            phase = np.cumsum(np.repeat(f0, 300)) / 24000; y = sum(np.cos(2 * np.pi * k * phase) / k for k in range(1, 20)) * 0.1 + 0.003 * r.standard_normal(frames * 300); key = f"s{n:05d}"
            sf.write(folder / "wav" / f"{key}.flac", np.clip(y, -1, 1), 24000, subtype="PCM_16"); np.savez(folder / "wav" / f"{key}.npz", dur=dur, f0=f0.astype(np.float16))
            meta.write(json.dumps({"n": n, "key": key, "speaker": f"p_{'ab'[n % 2]}", "style": f"p_{'ab'[n % 2]}", "phonemes": phonemes, "text": "Hello world.", "samples": len(y)}) + "\n")

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("folder", nargs="?"); a.add_argument("--whisper"); o = a.parse_args()
    with tempfile.TemporaryDirectory() as t:
        d = pathlib.Path(o.folder or t); speech(d / "speech")
        def run(script, *a): subprocess.run([sys.executable, str(here / script), *map(str, a)], check=True)
        run("prepare.py", d / "set", d / "speech", "--vocab", here / "vocab.json")
        run("vocoder/train.py", "--sets", d / "set", "--out", d / "vocoder", "--minutes", 0.1, "--adversarial-from", 0.5)
        run("megatts2/train_acoustic.py", "--sets", d / "set", "--out", d / "acoustic", "--minutes", 0.1, "--frames", 800)
        run("megatts2/train_acoustic.py", "--sets", d / "set", "--out", d / "acoustic", "--minutes", 0.15, "--frames", 800)  # resumes
        run("megatts2/decode_set.py", "--sets", d / "set", "--acoustic", d / "acoustic/state.pt", "--out", d / "decoded")
        run("vocoder/train.py", "--sets", d / "set", "--decoded", d / "decoded", "--start", d / "vocoder/state.pt", "--out", d / "vocoder2", "--minutes", 0.1, "--adversarial-from", 0.5)
        run("megatts2/train_prosody.py", "--sets", d / "set", "--acoustic", d / "acoustic/state.pt", "--out", d / "prosody", "--minutes", 0.1)
        json.dump([{"name": "a", "speaker": "p_a", "sex": "male", "accent": "American", "description": "A test."}], open(d / "voices.json", "w"))
        run("megatts2/train_joint.py", "--sets", d / "set", "--acoustic", d / "acoustic/state.pt", "--vocoder", d / "vocoder2/state.pt", "--out", d / "joint", "--minutes", 0.1)
        run("megatts2/train_aligner.py", "--sets", d / "set", "--out", d / "aligner", "--minutes", 0.1)
        run("export.py", "--joint", d / "joint/state.pt", "--aligner", d / "aligner/state.pt", "--prosody", d / "prosody/state.pt", "--sets", d / "set", "--voices", d / "voices.json", "--out", d / "export")
        for name, tensor in (("acoustic", "decoder.output.weight"), ("plm", "output.weight"), ("adm", "output.weight"), ("vocoder", "head.weight"), ("aligner", "output.weight"), ("voices", "a.keys")):
            with safe_open(d / "export" / f"{name}.safetensors", "pt") as f: assert np.isfinite(f.get_tensor(tensor).float().numpy()).all(), (name, tensor)
        run("stablevc/train_content.py", "--sets", d / "set", "--out", d / "content", "--minutes", 0.1, "--batch", 4)
        run("stablevc/embed_voices.py", "--sets", d / "set", "--out", d / "dvectors.pt", "--minutes", 0.1)
        ear = []
        if o.whisper: run("stablevc/train_ear.py", "--sets", d / "set", "--whisper", o.whisper, "--out", d / "ear.pt", "--minutes", 0.1); ear = ["--whisper", o.whisper, "--ear", d / "ear.pt"]
        for minutes in (0.2, 0.3): run("stablevc/train_flow.py", "--sets", d / "set", "--content", d / "content/state.pt", "--voice", d / "export", "--dvectors", d / "dvectors.pt", "--out", d / "flow", "--minutes", minutes, "--batch", 4)  # resumes
        run("stablevc/train_vocoder.py", "--sets", d / "set", "--flow", d / "flow/state.pt", "--voice", d / "export", "--dvectors", d / "dvectors.pt", "--out", d / "converter_vocoder", "--minutes", 0.1, "--batch", 2, *ear)
        run("stablevc/export_converter.py", "--flow", d / "flow/state.pt", "--vocoder", d / "converter_vocoder/state.pt", "--out", d / "converter")
        run("stablevc/train_flow.py", "--sets", d / "set", "--content", d / "content/state.pt", "--voice", d / "export", "--dvectors", d / "dvectors.pt", "--start", d / "converter", "--vocoder", d / "converter", "--out", d / "flow2", "--minutes", 0.3, "--flow-from", 0.5, "--batch", 4, *ear)  # listens
        with safe_open(d / "converter/stablevc.safetensors", "pt") as f: assert np.isfinite(f.get_tensor("output.weight").float().numpy()).all()
        run("sashimi/train.py", "--clips", d / "speech/wav", "--out", d / "dream", "--minutes", 0.15, "--samples", 1024, "--batch", 2, "--width", 8, "--layers", 1, "--states", 8)
        run("sashimi/train.py", "--clips", d / "speech/wav", "--out", d / "dream", "--minutes", 0.2, "--samples", 1024, "--batch", 2, "--width", 8, "--layers", 1, "--states", 8)  # resumes
        run("sashimi/export.py", "--state", d / "dream/state.pt", "--out", d / "dream/export")
        with safe_open(d / "dream/export/model.safetensors", "pt") as f: assert np.isfinite(f.get_tensor("model.c_layers.0.layer.layer.kernel.C").float().numpy()).all()
        print("all stages run")

if __name__ == "__main__": main()
