"""The starter front end: 24 kHz, n_fft = win 1200, hop 300, 100 slaney mels 0-12 kHz, ln(max(x, 1e-5))."""
import functools
import librosa, numpy as np, torch

RATE, N_FFT, HOP, BANDS, BINS = 24000, 1200, 300, 100, 601

def _slaney_hz(m):
    """Slaney mel to Hz: linear below 1 kHz, logarithmic above."""
    f = 200.0 / 3 * m; lin = 15.0; step = np.log(6.4) / 27.0
    return np.where(m >= lin, 1000.0 * np.exp(step * (m - lin)), f)

def _slaney_mel(f): return 15.0 + np.log(f / 1000.0) / (np.log(6.4) / 27.0) if f >= 1000 else f * 3 / 200.0

@functools.lru_cache(None)
def filterbank(bands=BANDS, fmin=0.0, fmax=12000.0):
    """Triangles with slaney (area) normalisation, [bands, bins], as librosa.filters.mel."""
    edges = _slaney_hz(np.linspace(_slaney_mel(fmin), _slaney_mel(fmax), bands + 2)); bins = np.arange(BINS) * RATE / N_FFT
    up = (bins[None] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]; down = (edges[2:, None] - bins[None]) / (edges[2:] - edges[1:-1])[:, None]
    fb = np.maximum(0, np.minimum(up, down)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return torch.from_numpy(fb.astype(np.float32))

@functools.lru_cache(None)
def inverse_filterbank(): return torch.from_numpy(np.linalg.pinv(filterbank().double().numpy()).astype(np.float32))

@functools.lru_cache(None)
def window(n=N_FFT): return torch.hann_window(n)

def stft(y, n_fft=N_FFT, hop=HOP):
    """y [B, samples] -> complex [B, bins, T], centred, reflected; T = samples // hop (the last frame dropped)."""
    return torch.stft(y, n_fft, hop, n_fft, window(n_fft), center=True, pad_mode="reflect", return_complex=True)[..., : y.shape[-1] // hop]

def mel_spectrogram(y):
    """y [B, samples] -> [B, 100, T]."""
    return torch.log(torch.clamp(filterbank() @ stft(y).abs(), min=1e-5))

@functools.lru_cache(None)
def _bands_at_16_khz(bands): return torch.from_numpy(librosa.filters.mel(sr=16000, n_fft=400, n_mels=bands))

def power_mels(y, bands):
    """What networks that hear at 16 kHz are used to (25 ms windows each 10 ms), on the same frequency bins at 24 kHz: y [B, samples] -> mels of power [B, bands, T], 100 frames a second."""
    s = torch.stft(y, 600, 240, 600, torch.hann_window(600), center=True, pad_mode="reflect", return_complex=True)[:, :201]
    return _bands_at_16_khz(bands) @ (s.real.square() + s.imag.square()) / 2.25

def amplitude_prior(mel):
    """mel [B, 100, T] -> ln of the least-squares linear spectrum [B, 601, T]."""
    return torch.log(torch.clamp(inverse_filterbank() @ torch.exp(mel), min=1e-5))
