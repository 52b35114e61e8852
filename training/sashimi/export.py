#!/usr/bin/env python3
"""Write a trained SaShiMi as the engine loads it.

    export.py --state state.pt --out DIR [--rate 16000] [--seconds S] [--temperature T] [--top-p P]

config.json and model.safetensors: matrices in fp16, the state spaces in f32, where rounding would move their poles.
"""
import argparse, json, pathlib
import torch
from safetensors.torch import save_file

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--state", required=True); a.add_argument("--out", required=True, type=pathlib.Path); a.add_argument("--rate", type=int, default=16000); a.add_argument("--seconds", type=float, default=1.0); a.add_argument("--temperature", type=float, default=1.0); a.add_argument("--top-p", type=float, default=1.0); o = a.parse_args(); o.out.mkdir(parents=True, exist_ok=True)
    weights = torch.load(o.state)["average"]; half = lambda k, v: v.half() if v.is_floating_point() and v.dim() > 1 and ".kernel." not in k else v
    save_file({k: half(k, v).contiguous() for k, v in weights.items()}, o.out / "model.safetensors")
    json.dump({"format": "syrinx-sashimi", "version": 1, "rate_hz": o.rate, "quantisation": "mu_law", "dt_transform": "exp", "defaults": {"seconds": o.seconds, "temperature": o.temperature, "top_p": o.top_p}}, open(o.out / "config.json", "w"), indent=1)
    for f in sorted(o.out.iterdir()): print(f.name, f.stat().st_size)

if __name__ == "__main__": main()
