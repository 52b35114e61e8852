"""What a listener finds in sound: nothing of it learns, but one can train through it."""
import pathlib, sys
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here.parent / "megatts2"), str(here.parent)]
from speaker import SpeakerEncoder
from spectrum import mel_spectrogram

class Ears:
    """Waves [B, samples] at 24 kHz -> who speaks, d-vectors of Resemblyzer [B, 256], and what is said, ln p(symbol | unit) of the starter voice's aligner [B, U, symbols]."""
    def __init__(self, aligner): self.aligner, self.speakers = aligner.requires_grad_(False), SpeakerEncoder()
    def who(self, wave): return self.speakers(wave)
    def what(self, wave): return self.aligner.posteriors(mel_spectrogram(wave))
