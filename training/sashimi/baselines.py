#!/usr/bin/env python3
"""Bits per sample that statistics of the training clips need for held-out ones: a histogram of the codes, and one for each code before.

    baselines.py --clips DIR --held DIR --samples N
"""
import argparse
import numpy as np
from data import load

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--clips", required=True); a.add_argument("--held", required=True); a.add_argument("--samples", type=int, required=True); o = a.parse_args()
    single, pairs = np.ones(256), np.full((256, 256), 0.05)
    for c in load(o.clips, o.samples).numpy(): np.add.at(single, c, 1); np.add.at(pairs, (c[:-1], c[1:]), 1)
    single, pairs = single / single.sum(), pairs / pairs.sum(1, keepdims=True); held = load(o.held, o.samples).numpy(); print(f"histogram {-np.log2(single[held]).mean():.3f}, given the sample before {-np.log2(pairs[held[:, :-1], held[:, 1:]]).mean():.3f}")

if __name__ == "__main__": main()
