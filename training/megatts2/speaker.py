"""A speaker encoder one can train through: Resemblyzer's d-vector (Apache-2.0), on audio at 24 kHz.

Its front end (16 kHz, 25 ms windows each 10 ms, 40 mel bands of power) is computed on the same frequency bins at 24 kHz.
"""
import functools
import librosa, numpy as np, scipy.signal, torch, torch.nn.functional as F
from resemblyzer import VoiceEncoder

@functools.lru_cache(None)
def _bands(): return torch.from_numpy(librosa.filters.mel(sr=16000, n_fft=400, n_mels=40))

def features(y):
    """y [B, samples] at 24 kHz -> power mels [B, T, 40], 100 frames a second."""
    s = torch.stft(y, 600, 240, 600, torch.hann_window(600), center=True, pad_mode="reflect", return_complex=True)[:, :201]
    return (_bands() @ (s.real.square() + s.imag.square()) / 2.25).transpose(1, 2)

class SpeakerEncoder:
    """Embeddings of unit length [B, 256]; frozen."""
    def __init__(self):
        self.net = VoiceEncoder("cpu", verbose=False)
        for p in self.net.parameters(): p.requires_grad_(False)
    def __call__(self, y): return self.net(features(y))
    @torch.no_grad()
    def voice(self, utterances, seconds=12, higher=1.0):
        """Mean embedding of a voice over stretches of 1.6 s of its recordings, played faster by the factor `higher`: then
        formants and F0 lie higher, as of another person."""
        y = torch.cat([u.audio() for u in utterances])[: round(seconds * 24000 * higher)]; n = 38400
        if higher != 1: y = torch.from_numpy(scipy.signal.resample_poly(y.numpy(), 100, round(100 * higher)).astype(np.float32))
        if len(y) < n: y = y.repeat(-(-n // max(1, len(y))))[:n]
        return F.normalize(self(y[: len(y) // n * n].view(-1, n)).mean(0), dim=0)
