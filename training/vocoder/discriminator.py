"""Multi-resolution spectrogram discriminator, small enough for a CPU: 2-D convolutions over log-magnitude spectrograms."""
import pathlib, sys
import torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from blocks import HALF

class Resolution(nn.Module):
    def __init__(self, n_fft, channels):
        super().__init__(); self.n_fft, c = n_fft, channels
        self.layers = nn.ModuleList([nn.Conv2d(1, c, (7, 3), (4, 1), (3, 1)), nn.Conv2d(c, 2 * c, (5, 3), (3, 1), (2, 1)), nn.Conv2d(2 * c, 2 * c, (5, 3), (3, 2), (2, 1)), nn.Conv2d(2 * c, 2 * c, 3, 1, 1), nn.Conv2d(2 * c, 1, 3, 1, 1)])
    def forward(self, y, band=1.0):
        """y [B, samples], of which the lower `band` of the spectrum is looked at -> score map, features."""
        s = torch.stft(y, self.n_fft, self.n_fft // 4, self.n_fft, torch.hann_window(self.n_fft), center=False, return_complex=True)[:, : 1 + round(band * self.n_fft / 2)].abs()
        x = torch.log(s.clamp(min=1e-4))[:, None] * 0.3 + 0.5; features = []
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF["on"]):
            for l in self.layers[:-1]: x = F.leaky_relu(l(x), 0.1); features.append(x)
            score = self.layers[-1](x)
        return score.float(), [f.float() for f in features]

class Discriminator(nn.Module):
    def __init__(self, channels=12, sizes=(512, 1024, 2048)):
        super().__init__(); self.resolutions = nn.ModuleList(Resolution(n, channels) for n in sizes)
    def forward(self, y, band=1.0): return [r(y, band) for r in self.resolutions]

def discriminator_loss(real, fake): return sum(F.relu(1 - r[0]).mean() + F.relu(1 + f[0]).mean() for r, f in zip(real, fake)) / len(real)
def generator_loss(fake): return -sum(f[0].mean() for f in fake) / len(fake)
def feature_loss(real, fake):
    """L1 between features, relative to their size."""
    l = [(a.detach() - b).abs().mean() / a.detach().abs().mean().clamp(min=1e-3) for r, f in zip(real, fake) for a, b in zip(r[1], f[1])]
    return sum(l) / len(l)
