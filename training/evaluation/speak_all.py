#!/usr/bin/env python3
"""Let every built-in voice read the evaluation sentences.

    speak_all.py --syrinx PATH --out DIR [--count 40] [--voices A,B] [--share] [--weights FOLDER]

Writes DIR/*.wav and DIR/manifest.jsonl: one line a clip with wav, text and group (the voice), as judged by Whisper base
(word error rate), DNSMOS and DistillMOS. --share deals the sentences out, each to one voice, instead of all to all.
"""
import argparse, json, pathlib, subprocess

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--syrinx", required=True); a.add_argument("--out", required=True); a.add_argument("--count", type=int, default=40); a.add_argument("--voices"); a.add_argument("--weights"); a.add_argument("--share", action="store_true"); o = a.parse_args()
    out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); lines = (pathlib.Path(__file__).parent / "sentences.txt").read_text().splitlines()[: o.count]
    voices = o.voices.split(",") if o.voices else [v["name"] for v in json.loads(subprocess.run([o.syrinx, "voices", "--json"], check=True, capture_output=True, text=True).stdout)]
    jobs = [(v, i, t) for n, v in enumerate(voices) for i, t in enumerate(lines) if not o.share or i % len(voices) == n]
    (out / "batch.jsonl").write_text("".join(json.dumps({"text": t, "voice": v, "output": f"{v}_{i:02d}.wav"}) + "\n" for v, i, t in jobs))
    (out / "manifest.jsonl").write_text("".join(json.dumps({"wav": f"{v}_{i:02d}.wav", "text": t, "group": v}) + "\n" for v, i, t in jobs))
    subprocess.run([o.syrinx, "say", *(["--weights", o.weights] if o.weights else []), "--batch", str(out / "batch.jsonl"), "--out-dir", str(out)], check=True)

if __name__ == "__main__": main()
