#!/usr/bin/env python3
"""Write utterances of a prepared set with their exact F0, for examples/pitch_agreement.rs.

    pitch_pairs.py --set DIR --out DIR [--count 60] [--raw]

The teachers' F0 goes on through voiceless sounds, where nothing can be heard of it: there it is written as 0, by the
alignment, unless --raw is given.
"""
import argparse, json, pathlib, random, sys
import soundfile as sf, torch
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here.parent / "megatts2"), str(here.parent)]
from data import Corpus

VOCABULARY = json.load(open(here.parent / "vocab.json"))
SILENT = torch.tensor([0] + [i for c, i in VOCABULARY.items() if c in "ptkfsʃθʧhʦçxʔ;:,.!?—… "])

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--set", required=True); a.add_argument("--out", required=True); a.add_argument("--count", type=int, default=60); a.add_argument("--raw", action="store_true"); o = a.parse_args()
    out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True); items = sorted(Corpus([o.set]).items, key=lambda u: u.key); random.Random(4).shuffle(items)
    for u in items[: o.count]:
        sf.write(out / f"{u.key}.wav", u.audio().numpy(), 24000, subtype="PCM_16"); f0 = u.f0(); quiet = torch.isin(u.ids(), SILENT)[torch.repeat_interleave(torch.arange(len(u.ids())), 2 * u.units())][: len(f0)]; f0 = f0 if o.raw else f0 * ~quiet; (out / f"{u.key}.f0").write_text("\n".join(f"{f:.3f}" if f > 40 else "0" for f in f0.tolist()))

if __name__ == "__main__": main()
