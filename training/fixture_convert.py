#!/usr/bin/env python3
"""Write a tiny voice conversion model for the tiny voice of fixture_voice.py: the files of a conversion package, small enough to live among the tests.

    fixture_convert.py OUT [--starter]

Random weights whose mel falls off like that of a voice and moves a little with the source, the voice and the style. Always writes the same bytes.
With --starter the sizes are those of the starter model: for measuring time and memory, not for listening.
"""
import argparse, json, pathlib
import sys
import torch
from safetensors.torch import save_file
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here / "stablevc"), str(here / "megatts2"), str(here), str(here / "vocoder")]
from export import half
from network import STARTER, StableVc

TINY = {
    "bands": 100, "symbols": 178, "frames_per_unit": 2,
    "content": {"channels": 12, "hidden": 12, "kernel": 5, "ahead": [[0, 0], [0, 1]], "features": 8, "clusters": 16},
    "key_channels": 16,
    "speaker": {"channels": 12, "features": 8},
    "style": {"codes": 16, "code_channels": 8, "code_frames": 8, "channels": 8, "hidden": 8, "kernel": 3, "blocks": 1, "pool": 4},
    "module": {"channels": 16, "heads": 2, "hidden": 16, "kernel": 3, "blocks": 1},
    "frame": {"hidden": 16, "kernel": 3, "blocks": 1},
    "flow": {"channels": 16, "heads": 2, "hidden": 16, "kernel": 3, "blocks": 1, "time": 16},
}

@torch.no_grad()
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("out", type=pathlib.Path); a.add_argument("--starter", action="store_true"); o = a.parse_args()
    o.out.mkdir(parents=True, exist_ok=True); torch.manual_seed(5); config = STARTER if o.starter else TINY; vc = StableVc(config)
    vc.mean.weight.mul_(0.3); vc.mean.bias.copy_((-1.5 - 4.5 * torch.arange(100) / 100 + 5) / 2.5); vc.spread.fill_(0.2)
    for w in (vc.film.weight, vc.output.weight, vc.style.codebook, vc.content.centroids): w.copy_(0.1 * torch.randn_like(w))
    for b in (*vc.module, *vc.flow): b.dual.alpha.fill_(0.5)
    save_file(half(vc.state_dict()), o.out / "stablevc.safetensors")
    json.dump({"format": "syrinx-starter-convert", "version": 1, "stablevc": config}, open(o.out / "config.json", "w"), indent=1)

if __name__ == "__main__": main()
