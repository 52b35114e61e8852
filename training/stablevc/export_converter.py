#!/usr/bin/env python3
"""Write the starter converter exactly as the engine loads it.

    export_converter.py --flow state.pt [--vocoder state.pt [--before FOLDER]] --out DIR

Writes config.json, stablevc.safetensors (fp16) and, where the vocoder was trained on, vocoder.safetensors; with --before, half-way between it and the vocoder of that
folder, from which its training went on.
"""
import argparse, json, pathlib, sys
import torch
from safetensors.torch import save_file
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent / "megatts2"), str(here.parent), str(here.parent / "vocoder")]
import harmonic_noise
from export import MEL, half  # training/export.py
from network import STARTER
from shipped import load

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--flow", required=True); a.add_argument("--vocoder"); a.add_argument("--before"); a.add_argument("--out", required=True); o = a.parse_args(); out = pathlib.Path(o.out); out.mkdir(parents=True, exist_ok=True)
    save_file(half(torch.load(o.flow)["average"]), out / "stablevc.safetensors"); config = {"format": "syrinx-starter-convert", "version": 1, "stablevc": STARTER}
    if o.vocoder:
        v = torch.load(o.vocoder)["average"]
        if o.before: old = load(o.before).vocoder.state_dict(); v = {k: (x + old[k]) / 2 for k, x in v.items()}
        save_file(half(v), out / "vocoder.safetensors"); config["vocoder"] = {"mel": MEL} | harmonic_noise.STARTER
    json.dump(config, open(out / "config.json", "w"), indent=1)
    for f in sorted(out.iterdir()): print(f.name, f.stat().st_size)

if __name__ == "__main__": main()
