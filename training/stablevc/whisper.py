"""The encoder of Whisper (MIT), read from a folder in CTranslate2's format (as of faster-whisper): frozen, but one can train through it.

    Whisper(FOLDER, layers=4)(wave [B, samples] at 24 kHz) -> features [B, 512 (base), T], 50 a second

It hears short clips as they are, not padded to 30 s.
"""
import pathlib, struct, sys
import numpy as np, torch, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from spectrum import power_mels

def tensors(file):
    """model.bin of CTranslate2 -> {name: array}: names, shapes and values one after the other, behind a header."""
    kinds = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}; found = {}
    with open(file, "rb") as f:
        def number(kind): n = struct.calcsize(kind); return struct.unpack("<" + kind, f.read(n))[0]
        def text(): return f.read(number("H")).rstrip(b"\0").decode()
        version = number("I"); spec = text(); number("I")
        if version < 4 or spec != "WhisperSpec": raise ValueError(f"{file}: {spec} of version {version}, expected a WhisperSpec of version 4 or later")
        for _ in range(number("I")):
            name = text(); shape = [number("I") for _ in range(number("B"))]; kind = number("B"); found[name] = np.frombuffer(f.read(number("I")), kinds[kind]).reshape(shape)
    return found

class Whisper:
    def __init__(self, folder, layers=4):
        found = tensors(pathlib.Path(folder) / "model.bin"); self.layers, self.heads = layers, int(found["encoder/num_heads"])
        if found["encoder/conv1/weight"].dtype == np.int8: raise ValueError(f"{folder}: quantised to 8 bits, expected half or single precision")
        self.w = {k[8:]: torch.from_numpy(x.astype(np.float32)) for k, x in found.items() if k.startswith("encoder/") and x.ndim}
        self.features, self.bands = self.w["conv1/weight"].shape[:2]
    def mel(self, y):
        """[B, samples] -> [B, bands, T], 100 frames a second, as Whisper is used to: the loudest is at most 2 and nothing is more than 80 dB below."""
        x = torch.log10(power_mels(y, self.bands)[..., :-1].clamp(min=1e-10)); return (torch.maximum(x, x.detach().amax((1, 2), keepdim=True) - 8) + 4) / 4
    def linear(self, x, name): return F.linear(x, self.w[name + "/weight"], self.w[name + "/bias"])
    def norm(self, x, name): return F.layer_norm(x, x.shape[-1:], self.w[name + "/layer_norm/gamma"], self.w[name + "/layer_norm/beta"])
    def all(self, y):
        """Features after each layer, the first `layers` of them."""
        w = self.w; x = F.gelu(F.conv1d(self.mel(y), w["conv1/weight"], w["conv1/bias"], padding=1)); x = F.gelu(F.conv1d(x, w["conv2/weight"], w["conv2/bias"], stride=2, padding=1)).transpose(1, 2)
        n, t, c = x.shape; x = x + w["position_encodings/encodings"][:t]; found = []
        for i in range(self.layers):
            own = f"layer_{i}/"; q, k, v = self.linear(self.norm(x, own + "self_attention"), own + "self_attention/linear_0").view(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
            x = x + self.linear(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c), own + "self_attention/linear_1")
            x = x + self.linear(F.gelu(self.linear(self.norm(x, own + "ffn"), own + "ffn/linear_0")), own + "ffn/linear_1"); found.append(x.transpose(1, 2))
        return found
    def __call__(self, y): return self.all(y)[-1]
