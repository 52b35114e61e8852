#!/usr/bin/env python3
"""Are clips notes of a piano? Pitch, scale and decay, measured.

    notes.py --clips DIR ...

Frames of 64 ms, those 40 dB below the loudest left out. A frame is periodic if its normalised autocorrelation reaches 0.9 at a lag of 200 to 600 Hz.
Of the periodic ones: how many cents they lie off the nearest note of the equal-tempered scale at A4 = 440 Hz (25 is what chance gives), and the share within 25
cents of one of the scale of C major. Notes are runs of at least 80 ms within 40 cents; decay is the slope of the level along them. Two controls: noise of the clips'
spectra, and the clips played 3 % slower, half a semitone, which only the scale should mind.
"""
import argparse, json, pathlib, sys
import numpy as np
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "sashimi"))
from data import files, read
from digits import like_noise

RATE, FRAME, HOP = 16000, 1024, 256

def frames(x):
    """Level in dB, clarity and pitch in Hz of every frame."""
    out, low, high = [], RATE // 600, RATE // 200
    for i in range(0, len(x) - FRAME - high, HOP):
        a = x[i:i + FRAME]; power = (a * a).sum(); windows = np.lib.stride_tricks.sliding_window_view(x[i:i + FRAME + high + 1], FRAME)[low - 1:high + 2]
        r = windows @ a / np.sqrt((windows * windows).sum(1) * power + 1e-12); inner = r[1:-1]; best = inner.max(); k = next(k for k in range(len(inner)) if inner[k] >= best - 0.03 and inner[k] >= r[k] and inner[k] >= r[k + 2] or k == len(inner) - 1)
        l, m, h = r[k], r[k + 1], r[k + 2]; shift = 0.5 * (l - h) / (l - 2 * m + h - 1e-9); out.append((10 * np.log10(power / FRAME + 1e-12), best, RATE / (low + k + np.clip(shift, -0.5, 0.5))))
    return np.array(out)

def judge(waves):
    heard = periodic = 0; off, fit, notes, slopes, names = [], [], 0, [], {}
    for x in waves:
        f = frames(x); loud = f[:, 0] > f[:, 0].max() - 40; clear = loud & (f[:, 1] >= 0.9); heard += loud.sum(); periodic += clear.sum(); pitch = 69 + 12 * np.log2(f[:, 2] / 440); nearest = np.round(pitch)
        off += list(100 * np.abs(pitch - nearest)[clear]); fit += list((np.abs(pitch - nearest)[clear] < 0.25) & np.isin(nearest[clear] % 12, [0, 2, 4, 5, 7, 9, 11])); start = 0
        for i in range(len(f) + 1):
            if i < len(f) and clear[i] and i > start and clear[start] and abs(pitch[i] - pitch[i - 1]) < 0.4 and f[i, 0] < f[i - 1, 0] + 6: continue
            if (i - start) * HOP / RATE >= 0.08: notes += 1; n = int(np.round(np.median(pitch[start:i]))); names[n] = names.get(n, 0) + 1; slopes.append(np.polyfit(np.arange(i - start) * HOP / RATE, f[start:i, 0], 1)[0])
            start = i
    mean = lambda v, d: round(float(np.mean(v)), d) if len(v) else None
    return {"periodic": round(periodic / heard, 3), "cents off": mean(off, 1), "in C major": mean(fit, 3), "notes a second": round(notes / sum(len(x) / RATE for x in waves), 2), "decay dB/s": round(float(np.median(slopes)), 1) if slopes else None, "falling": mean(np.array(slopes) < 0, 2), "pitches": dict(sorted(names.items()))}

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--clips", required=True, nargs="+"); o = a.parse_args(); r = np.random.default_rng(1)
    for folder in o.clips:
        waves = [read(f, RATE) for f in files(folder)]; slow = lambda x: np.interp(np.arange(0, len(x) - 1, 2 ** (-0.5 / 12)), np.arange(len(x)), x)
        for kind, change in (("clips", lambda x: x), ("noise", lambda x: like_noise(x, r)), ("slower", slow)): print(json.dumps({"of": folder, "n": len(waves), "kind": kind} | judge([change(x) for x in waves])), flush=True)

if __name__ == "__main__": main()
