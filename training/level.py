"""Speech level: what references and targets are brought to before their mel is taken (src/voice does the same)."""
import numpy as np

LEVEL_DB, RANGE_DB, FRAME = -23.0, 25.0, 300

def gain_of(y):
    """Factor that brings y (24 kHz) to -23 dB, measured over frames of 300 samples within 25 dB of the 95th percentile."""
    p = (y[: len(y) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64) ** 2).mean(1)
    if not len(p): return 1.0
    active = p[p > np.sort(p)[int(0.95 * (len(p) - 1))] * 10 ** (-RANGE_DB / 10)]
    return float(10 ** ((LEVEL_DB - 10 * np.log10(max(active.mean(), 1e-10))) / 20)) if len(active) else 1.0
