"""What a listener finds in sound: nothing of it learns, but one can train through it."""
import pathlib, sys
import torch, torch.nn as nn, torch.nn.functional as F
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent / "megatts2"), str(here.parent)]
from aligner import SYMBOLS
from speaker import SpeakerEncoder
from spectrum import mel_spectrogram
from whisper import Whisper

class Sounds:
    """Which symbol each 25 ms is, by the features of Whisper's encoder: a small network upon them, from train_ear.py."""
    def __init__(self, folder, layers):
        self.whisper = Whisper(folder, layers); c = self.whisper.features; self.net = nn.Sequential(nn.Conv1d(c, 192, 3, padding=1), nn.SiLU(), nn.Conv1d(192, SYMBOLS, 1)).requires_grad_(False)
    def features(self, wave): return self.units(self.whisper(wave), wave.shape[1] // 600)
    @classmethod
    def load(cls, folder, file): s = torch.load(file); ear = cls(folder, s["layers"]); ear.net.load_state_dict(s["net"]); return ear
    def units(self, x, units):
        """What Whisper found [B, features, T] -> [B, features, units], of unit variance: what is nearest in time on both sides, by its distance."""
        x = F.layer_norm(x.transpose(1, 2), x.shape[1:2]).transpose(1, 2); at = ((25 * torch.arange(units) + 6.25) / 20).clamp(max=x.shape[2] - 1); i = at.long().clamp(max=x.shape[2] - 2); w = at - i
        return x[..., i] * (1 - w) + x[..., i + 1] * w

class Ears:
    """Waves [B, samples] at 24 kHz -> who speaks, d-vectors of Resemblyzer [B, 256], and what is said, ln p(symbol | unit) [B, U, symbols] of each ear: the starter voice's aligner, and with both `whisper` (a folder) and `ear` (what train_ear.py made upon it) that one."""
    def __init__(self, aligner, whisper=None, ear=None): self.aligner, self.speakers = aligner.requires_grad_(False), SpeakerEncoder(); self.sounds = Sounds.load(whisper, ear) if whisper and ear else None
    def who(self, wave): return self.speakers(wave)
    def heard(self, wave, labels, like=None):
        """How badly the labels [B, U] (-1: none) are heard, nats a unit, as the mean of the ears; and how far what Whisper's layers find is from what they find in the waves `like`, in standard deviations (None without `ear` or `like`)."""
        said = [F.cross_entropy(self.aligner(mel_spectrogram(wave)), labels, ignore_index=-1)]; far = None
        if self.sounds:
            found = self.sounds.whisper.all(wave); said.append(F.cross_entropy(self.sounds.net(self.sounds.units(found[-1], labels.shape[1])), labels, ignore_index=-1))
            if like is not None:
                with torch.no_grad(): wanted = self.sounds.whisper.all(like)
                far = sum(((x - y).abs().mean((1, 2)) / y.std((1, 2))).mean() for x, y in zip(found, wanted)) / len(found)
        return sum(said) / len(said), far
