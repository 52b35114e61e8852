#!/usr/bin/env python3
"""How many clips of a folder Whisper base hears as one spoken digit and nothing else.

    digits.py DIR [--whisper FOLDER]      FOLDER: a CTranslate2 conversion of Whisper base

Clips get 0.4 s of silence before and 0.6 s after; Whisper is told in its prompt that it will hear digits. Homophones count (to, for, ate ...).
Files named DIGIT_... are also compared with their names.
"""
import argparse, collections, pathlib, re
import numpy as np, soundfile as sf
from faster_whisper import WhisperModel

DIGITS = "zero one two three four five six seven eight nine".split()
SAME = {**dict(zip("0123456789", DIGITS)), "to": "two", "too": "two", "for": "four", "ate": "eight", "won": "one", "tree": "three", "free": "three"}

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("clips", type=pathlib.Path); a.add_argument("--whisper", default="base"); o = a.parse_args(); whisper = WhisperModel(o.whisper, device="cpu", compute_type="int8", cpu_threads=1)
    heard, named, right, files = collections.Counter(), 0, 0, sorted(p for p in o.clips.iterdir() if p.suffix in (".wav", ".flac"))
    for f in files:
        x, rate = sf.read(f, dtype="float32"); assert rate == 16000; x = np.pad(x * 0.5, (6400, 9600))
        text = " ".join(s.text for s in whisper.transcribe(x, beam_size=1, language="en", without_timestamps=True, temperature=0, initial_prompt="Digits: " + " ".join(d + "." for d in DIGITS))[0])
        words = [SAME.get(w, w) for w in re.sub(r"[^a-z0-9 ]", " ", text.lower()).split()]; one = words[0] if len(words) == 1 and words[0] in DIGITS else None; heard[one or "no digit"] += 1; print(f"{f.name}: {text.strip()!r}")
        if f.stem.split("_")[0] in DIGITS: named += 1; right += one == f.stem.split("_")[0]
    n = len(files); print(dict(heard)); print(f"{n - heard['no digit']} of {n} are heard as a digit" + (f", {right} of {named} as the one they are named after" if named else ""))

if __name__ == "__main__": main()
