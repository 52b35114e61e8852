"""Clips for a model of raw audio: 16 kHz, cut or padded to one length, 8-bit codes.

    data.py words --voices 'a b ...' --out lines.jsonl [--takes N]     a batch for `syrinx say --batch lines.jsonl --out-dir clips`
"""
import argparse, json, pathlib, random
import numpy as np, soundfile as sf, torch
from scipy.signal import resample_poly

RATE = 16000
WORDS = "zero one two three four five six seven eight nine yes no up down left right on off stop go".split()

def codes(wave):
    """mu-law codes of a wave stretched to full scale, as the engine makes them."""
    x = (wave - wave.min()) / (wave.max() - wave.min() + 1e-6) * 2 - 1; y = np.sign(x) * np.log1p(255 * np.abs(x + 1e-8)) / np.log(256)
    return np.clip(np.floor((y + 1) / 2 * 255.99 + 0.005), 0, 255).astype(np.uint8)

def load(folder, samples):
    """uint8 [N, samples]: every clip of the folder, centred in silence or cut."""
    out = []
    for f in sorted(p for p in pathlib.Path(folder).rglob("*") if p.suffix in (".wav", ".flac")):
        x, rate = sf.read(f, dtype="float32", always_2d=True); x = x.mean(1); x = x if rate == RATE else resample_poly(x, RATE, rate).astype(np.float32)
        if np.ptp(x) < 1e-4: continue
        c = codes(x)[:samples]; room = samples - len(c); left = room // 4; out.append(np.pad(c, (left, room - left), constant_values=128))
    if not out: raise SystemExit(f"{folder}: no clips")
    return torch.from_numpy(np.stack(out))

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("what", choices=["words"]); a.add_argument("--voices", required=True); a.add_argument("--out", required=True); a.add_argument("--takes", type=int, default=8); o = a.parse_args(); r = random.Random(3)
    with open(o.out, "w") as f:
        for take in range(o.takes):
            for voice in o.voices.split():
                for word in WORDS: f.write(json.dumps({"text": word.capitalize() + ".", "output": f"{word}_{voice}_{take}.flac", "voice": voice, "speed": round(r.uniform(0.85, 1.2), 2), "pitch": round(r.uniform(-1.5, 1.5), 1), "seed": r.randrange(1 << 30), "temperature": 1.0}) + "\n")

if __name__ == "__main__": main()
