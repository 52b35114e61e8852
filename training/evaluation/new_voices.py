#!/usr/bin/env python3
"""Clips of virtual speakers and lines that no training set contains, for converting.py.

    new_voices.py --graph kokoro.onnx --voices FOLDER --lines LINES.tsv --out DIR [--speakers 28] [--first 2000 --last 3000] [--used META.jsonl]

Each speaker is a mixture of three English voices of one sex and reads whole sentences, 6 to 10 s of them, of the lines from --first to --last;
texts of META.jsonl (a training set's) are left out. Writes NAME.wav, NAME.txt and NAME.npy (F0 in Hz each 12.5 ms). Graph, voices and lines as of kokoro_speech.py.
"""
import argparse, json, pathlib, random, sys
import numpy as np, soundfile as sf
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from kokoro_speech import Teacher, mixture, read_lines

RATE, SHORTEST, LONGEST = 24000, 6, 10  # Hz, seconds

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for n in ("graph", "voices", "lines", "out"): a.add_argument("--" + n, required=True)
    a.add_argument("--speakers", type=int, default=28); a.add_argument("--first", type=int, default=2000); a.add_argument("--last", type=int, default=3000); a.add_argument("--used"); o = a.parse_args(); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); r = random.Random(77)
    teacher = Teacher(o.graph, o.voices)
    used = {json.loads(l)["text"] for l in open(o.used)} if o.used else set(); lines = read_lines(o.lines); order = [i for i in range(o.first, o.last) if "❓" not in lines[i][0] and lines[i][1] not in used and len(lines[i][1]) > 25]; r.shuffle(order)
    for k in range(o.speakers):
        sex = "fm"[k % 2]; mix = mixture(9000 + k, r.sample([v for v in teacher.english if v[1] == sex], 3), 0.7, 0.2); speed = r.uniform(0.9, 1.1); sound, texts, contour, length = [], [], [], 0
        while length < SHORTEST * RATE:
            phonemes, text = lines[order.pop()]; y, _, f0 = teacher.speak(phonemes, mix, mix, speed)
            if length + len(y) > LONGEST * RATE: break
            sound.append(y); texts.append(text); contour.append(f0); length += len(y)
        y = np.concatenate(sound); f0 = np.concatenate(contour).astype(np.float32); f0[f0 < 20] = 0; name = f"u_{k:02d}{sex}"
        sf.write(out / f"{name}.wav", y * min(1, 0.95 / np.abs(y).max()), RATE); (out / f"{name}.txt").write_text(" ".join(texts)); np.save(out / f"{name}.npy", f0)

if __name__ == "__main__": main()
