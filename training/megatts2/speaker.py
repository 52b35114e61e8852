"""A speaker encoder one can train through: Resemblyzer's d-vector (Apache-2.0), on audio at 24 kHz."""
import pathlib, sys
import numpy as np, scipy.signal, torch, torch.nn.functional as F
from resemblyzer import VoiceEncoder
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from spectrum import power_mels

class SpeakerEncoder:
    """Embeddings of unit length [B, 256]; frozen."""
    def __init__(self):
        self.net = VoiceEncoder("cpu", verbose=False)
        for p in self.net.parameters(): p.requires_grad_(False)
    def __call__(self, y): return self.net(power_mels(y, 40).transpose(1, 2))
    @torch.no_grad()
    def voice(self, utterances, seconds=12, higher=1.0):
        """Mean embedding of a voice over stretches of 1.6 s of its recordings, played faster by the factor `higher`: then
        formants and F0 lie higher, as of another person."""
        y = torch.cat([u.audio() for u in utterances])[: round(seconds * 24000 * higher)]; n = 38400
        if higher != 1: y = torch.from_numpy(scipy.signal.resample_poly(y.numpy(), 100, round(100 * higher)).astype(np.float32))
        if len(y) < n: y = y.repeat(-(-n // max(1, len(y))))[:n]
        return F.normalize(self(y[: len(y) // n * n].view(-1, n)).mean(0), dim=0)
