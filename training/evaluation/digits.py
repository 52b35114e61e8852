#!/usr/bin/env python3
"""How many clips of a folder Whisper base hears as one spoken digit and nothing else, beside the same clips played backwards.

    digits.py DIR [--whisper FOLDER] [--prompt]      FOLDER: a CTranslate2 conversion of Whisper base

Clips get 0.4 s of silence before and 0.6 s after. Homophones count (to, for, ate ...). Files named DIGIT_... are also compared with their names.
The clips played backwards hold no digits: a figure that is not well above theirs says nothing of the clips. With --prompt Whisper is told to
expect digits; it then hears "five" in noise, so that only the comparison with names means anything.
"""
import argparse, collections, pathlib, re
import numpy as np, soundfile as sf
from faster_whisper import WhisperModel

DIGITS = "zero one two three four five six seven eight nine".split()
SAME = {**dict(zip("0123456789", DIGITS)), "to": "two", "too": "two", "for": "four", "ate": "eight", "won": "one", "tree": "three", "free": "three"}

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("clips", type=pathlib.Path); a.add_argument("--whisper", default="base"); a.add_argument("--prompt", action="store_true"); o = a.parse_args(); whisper = WhisperModel(o.whisper, device="cpu", compute_type="int8", cpu_threads=1)
    prompt = "Digits: " + " ".join(d + "." for d in DIGITS) if o.prompt else None
    def digit(x):
        text = " ".join(s.text for s in whisper.transcribe(np.pad(x * 0.5, (6400, 9600)), beam_size=1, language="en", without_timestamps=True, temperature=0, initial_prompt=prompt)[0]).strip()
        words = [SAME.get(w, w) for w in re.sub(r"[^a-z0-9 ]", " ", text.lower()).split()]; return (words[0] if len(words) == 1 and words[0] in DIGITS else None), text
    heard, backwards, named, right, files = collections.Counter(), 0, 0, 0, sorted(p for p in o.clips.iterdir() if p.suffix in (".wav", ".flac"))
    for f in files:
        x, rate = sf.read(f, dtype="float32")
        if rate != 16000 or x.ndim > 1: raise SystemExit(f"{f}: expected one channel at 16 kHz")
        one, text = digit(x); heard[one or "no digit"] += 1; backwards += digit(x[::-1].copy())[0] is not None; print(f"{f.name}: {text!r}", flush=True)
        if f.stem.split("_")[0] in DIGITS: named += 1; right += one == f.stem.split("_")[0]
    n = len(files); print(dict(heard)); print(f"{n - heard['no digit']} of {n} are heard as a digit, backwards {backwards}" + (f"; {right} of {named} as the one they are named after" if named else ""))

if __name__ == "__main__": main()
