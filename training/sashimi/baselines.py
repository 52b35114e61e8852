#!/usr/bin/env python3
"""Bits per sample that statistics of the training clips need for held-out ones: a histogram of the codes, and one for each code before.

    baselines.py --clips DIR --held DIR --samples N
"""
import argparse
import numpy as np
from data import alone, load

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--clips", required=True); a.add_argument("--held", required=True); a.add_argument("--samples", type=int, required=True); o = a.parse_args()
    single, pairs = np.ones(256), np.full((256, 256), 0.05)
    for c in map(alone, load(o.clips, o.samples).numpy()): np.add.at(single, c, 1); np.add.at(pairs, (c[:-1], c[1:]), 1)
    single, pairs = single / single.sum(), pairs / pairs.sum(1, keepdims=True); held = [alone(c) for c in load(o.held, o.samples).numpy()]; mean = lambda of: np.mean([-np.log2(of(c)).mean() for c in held]); print(f"histogram {mean(lambda c: single[c]):.3f}, given the sample before {mean(lambda c: pairs[c[:-1], c[1:]]):.3f}")

if __name__ == "__main__": main()
