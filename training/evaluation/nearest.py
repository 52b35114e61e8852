#!/usr/bin/env python3
"""How near clips are to the nearest training clip: the highest correlation of the waves over all shifts (1: a copy), the median over clips.

    nearest.py --clips DIR ... --training DIR
"""
import argparse, pathlib, sys
import numpy as np
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sashimi"))
from data import files, read

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--clips", required=True, nargs="+"); a.add_argument("--training", required=True); o = a.parse_args()
    n = 16384; spectrum = lambda f: np.fft.rfft((x := read(f, None)) / (np.linalg.norm(x) + 1e-9), n); known = np.stack([spectrum(f) for f in files(o.training)])
    for folder in o.clips: c = [np.abs(np.fft.irfft(known * spectrum(f).conj(), n)).max() for f in files(folder) if np.ptp(read(f, None)) > 1e-2]; print(f"{folder}: median {np.median(c):.2f}, highest {np.max(c):.2f} of {len(c)}")

if __name__ == "__main__": main()
