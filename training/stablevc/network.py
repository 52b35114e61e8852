"""StableVC (arXiv 2412.04724) at any size by config; the Rust twin is models/src/stablevc.

    source mel -> ContentEncoder -> features 64 @ 40 Hz (or tokens -> centroids) + coarse spectral shape -> content module (DualAGC blocks) -> h
    target's references -> timbre keys p of Mega-TTS 2's MRTE (frozen) -> SpeakerEncoder -> v_p
    style clip -> prosody codes of Mega-TTS 2's VQ prosody encoder (frozen) -> StyleEncoder -> s
    h + pitch, voicing, energy, shape -> frame blocks -> condition, prior mean mu -> flow module (FiLM(t) + DualAGC blocks) -> mel

Beside the paper's parts, all by config: the content extractor is a causal phone-posterior bottleneck with bounded
look-ahead; F0 relative to the register, voicing, level and coarse spectral shape of the source are explicit conditions; a head predicts the
mean mu of the mel (as the encoder of Matcha-TTS does), and the flow module predicts what the vector field of a Gaussian
around mu lacks (`field`), so that few steps suffice. Every convolution is causal and every self-attention looks at its own
chunk and `past` frames before it, so that chunked output equals offline output; look-ahead lies in the content encoder alone.
"""
import math, pathlib, sys
import torch, torch.nn as nn, torch.nn.functional as F
sys.path[:0] = [str(pathlib.Path(__file__).parent.parent), str(pathlib.Path(__file__).parent.parent / "megatts2")]
from blocks import ChannelNorm, ConvBlock, RmsNorm, rotate
from model import REGISTER

STARTER = {
    "bands": 100, "symbols": 178, "frames_per_unit": 2,
    "content": {"channels": 160, "hidden": 192, "kernel": 7, "ahead": [[0, 1, 0, 1, 0], [0, 1, 1, 1, 1], [2, 3, 2, 3, 3]], "features": 64, "clusters": 512},
    "shape": {"bands": 84, "features": 24, "speaker": True},
    "key_channels": 192,
    "speaker": {"channels": 256, "features": 256},
    "style": {"codes": 256, "code_channels": 64, "code_frames": 8, "channels": 128, "hidden": 192, "kernel": 3, "blocks": 2, "pool": 4, "centred": True},
    "module": {"channels": 192, "heads": 3, "hidden": 288, "kernel": 3, "blocks": 2},
    "frame": {"hidden": 288, "kernel": 3, "blocks": 2},
    "flow": {"channels": 192, "heads": 3, "hidden": 288, "kernel": 3, "blocks": 2, "time": 64},
}
SIGMA_MIN = 1e-4
TEMPERATURE = 0.0  # of the noise that sampling starts from, as shipped

def normal(mel): return (mel + 5) / 2.5

def cosines(bands, first, end):
    """What cepstra first to end - 1 of `bands` levels are made with: [end - first, bands], of unit length but for the 0th, twice the square."""
    return math.sqrt(2 / bands) * torch.cos(math.pi * torch.arange(first, end)[:, None] * (torch.arange(bands) + 0.5) / bands)

class CausalConvBlock(nn.Module):
    """ConvBlock of [B, C, T] whose convolution sees `ahead` columns of the future, or fewer if told so, and kernel - 1 - ahead of the past."""
    def __init__(self, channels, hidden, kernel, ahead=0):
        super().__init__(); self.sides = (kernel - 1 - ahead, ahead); self.norm = ChannelNorm(channels); self.expand = nn.Conv1d(channels, hidden, kernel)
        self.project = nn.Conv1d(hidden, channels, 1); nn.init.normal_(self.project.weight, std=0.3 / math.sqrt(hidden)); nn.init.zeros_(self.project.bias)
    def forward(self, x, film=None, ahead=None):
        h = self.norm(x); past, future = self.sides
        if film is not None: h = h * (1 + film[0][..., None]) + film[1][..., None]
        if ahead is None or ahead == future: return x + self.project(F.silu(self.expand(F.pad(h, self.sides))))
        return x + self.project(F.silu(F.conv1d(F.pad(h, (past, ahead)), self.expand.weight[:, :, : past + 1 + ahead], self.expand.bias)))

class ContentEncoder(nn.Module):
    """Mel [B, bands, T], T even -> features [B, U, features], U = T / 2.

    `ahead` holds one list a mode, the least look-ahead first: how many units each block sees ahead. Unit u sees mel frames up to
    2u + 1 + 2 * sum(ahead[mode]). One set of weights serves every mode: a mode leaves out the taps that reach further.
    """
    def __init__(self, bands, symbols, channels, hidden, kernel, ahead, features, clusters):
        super().__init__(); self.input = nn.Conv1d(bands, channels, 5); self.down = nn.Conv1d(channels, channels, 4, stride=2)
        self.ahead = ahead; self.blocks = nn.ModuleList(CausalConvBlock(channels, hidden, kernel, max(a)) for a in zip(*ahead)); self.norm = ChannelNorm(channels)
        self.output = nn.Conv1d(channels, features, 1); self.phones = nn.Conv1d(features, symbols, 1); self.register_buffer("centroids", torch.zeros(clusters, features))
    def forward(self, mel, mode=-1):
        x = self.down(F.pad(F.silu(self.input(F.pad(normal(mel), (4, 0)))), (2, 0)))
        for b, a in zip(self.blocks, self.ahead[mode]): x = b(x, ahead=a)
        x = self.output(self.norm(x)); return (x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)).transpose(1, 2)
    def logits(self, features): return self.phones(features.transpose(1, 2))
    def tokens(self, features): return torch.cdist(features, self.centroids[None]).argmin(-1)

class Shape(nn.Module):
    """Coarse spectral shape of the source: mel [B, bands, T] -> [B, T, width], what cepstra 1 to `features` of each frame differ from their mean so far.

    The mean is that of what has been spoken up to the frame, after a second of a common mean: it takes the microphone and part of
    the speaker away. A frame counts as spoken by its level, and each makes the mean forget a little. Nothing looks ahead. With
    `speaker`, the same cepstra of that mean follow, as it differs from the common one: who speaks, as far as it is known.
    """
    FLOOR, PRIOR, FORGOTTEN = -8.0, 80, 1 / 2400
    def __init__(self, bands, features, speaker=False):
        super().__init__(); self.speaker, self.width = speaker, features * (1 + speaker); self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("basis", cosines(bands, 1, features + 1))
    def clipped(self, mel): return mel[..., : len(self.mean), :].clamp(min=self.FLOOR)
    def forward(self, mel):
        x, w = self.clipped(mel), torch.sigmoid(6 * level_of(mel))[..., None, :]; left = (1 - self.FORGOTTEN * w).double().cumprod(-1); w = w / left
        mean = ((w * x).cumsum(-1) + self.PRIOR * self.mean[:, None]) / (w.cumsum(-1) + self.PRIOR); mean = mean.to(x.dtype); told = [x - mean] + ([mean - self.mean[:, None]] if self.speaker else [])
        return torch.cat([y.transpose(-1, -2) @ self.basis.T for y in told], -1)
    @torch.no_grad()
    def fit(self, mels):
        """The common mean, and features of unit variance, by mels [bands, T] of many."""
        w = torch.cat([torch.sigmoid(6 * level_of(m)) for m in mels]); self.mean.copy_((torch.cat([self.clipped(m) for m in mels], 1) * w).sum(1) / w.sum())
        y = torch.cat([self(m[None])[0, :, : len(self.basis)] for m in mels]); self.basis.div_(((y.square() * w[:, None]).sum(0) / w.sum()).sqrt()[:, None])

class SpeakerEncoder(nn.Module):
    """Timbre keys [B, M, K] in any order -> v_p [B, features], of unit length; trained to be a d-vector."""
    def __init__(self, keys, channels, features):
        super().__init__(); self.input = nn.Linear(keys, channels); self.hidden = nn.Linear(channels, channels); self.output = nn.Linear(2 * channels, features)
    def forward(self, keys):
        x = F.silu(self.hidden(F.silu(self.input(keys)))); mean = x.mean(1); std = (x.square().mean(1) - mean.square()).clamp(min=1e-6).sqrt()
        return F.normalize(self.output(torch.cat([mean, std], 1)), dim=1)

class StyleEncoder(nn.Module):
    """Prosody codes [B, L] -> s [B, L * code_frames / pool, channels]: embeddings repeated to frames, averaged, convolved.

    With `centred` the mean over time is taken away: what holds all the time tells who speaks, and a style is how it moves.
    """
    def __init__(self, codes, code_channels, code_frames, channels, hidden, kernel, blocks, pool, centred=False):
        super().__init__(); self.code_frames, self.pool, self.centred = code_frames, pool, centred; self.register_buffer("codebook", torch.zeros(codes, code_channels)); self.input = nn.Conv1d(code_channels, channels, kernel, padding=kernel // 2)
        self.blocks = nn.ModuleList(ConvBlock(channels, hidden, kernel) for _ in range(blocks)); self.norm = ChannelNorm(channels)
    def forward(self, codes):
        x = F.avg_pool1d(self.codebook[codes].transpose(1, 2).repeat_interleave(self.code_frames, 2), self.pool); x = self.input(x)
        for b in self.blocks: x = b(x)
        x = self.norm(x).transpose(1, 2); return x - x.mean(1, keepdim=True) if self.centred else x

def rms(x, gain): return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * gain

class DualAgc(nn.Module):
    """O = softmax(q pk / sqrt d) pv + tanh(alpha) softmax(q sk / sqrt d) sv (section "DualAGC"); q, pk, sk are RMS-normed per head."""
    def __init__(self, channels, heads, keys, speaker, style):
        super().__init__(); self.heads = heads; d = channels // heads; self.q = nn.Linear(channels, channels); self.key = nn.Linear(speaker + keys, channels); self.value = nn.Linear(keys, channels)
        self.style_key = nn.Linear(style, channels); self.style_value = nn.Linear(style, channels); self.out = nn.Linear(channels, channels); self.alpha = nn.Parameter(torch.zeros(1))
        self.q_gain, self.key_gain, self.style_gain = (nn.Parameter(torch.ones(d)) for _ in range(3))
    def split(self, x): return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)
    def forward(self, x, r):
        q = rms(self.split(self.q(x)), self.q_gain); p = r["keys"]; v = r["speaker"][:, None].expand(-1, p.shape[1], -1)
        y = F.scaled_dot_product_attention(q, rms(self.split(self.key(torch.cat([v, p], 2))), self.key_gain), self.split(self.value(p)))
        if r.get("style") is not None:
            s = F.scaled_dot_product_attention(q, rms(self.split(self.style_key(r["style"])), self.style_gain), self.split(self.style_value(r["style"])))
            y = y + torch.tanh(self.alpha) * s * r["styled"][:, None, None, None]
        return self.out(y.transpose(1, 2).reshape(x.shape))

class Block(nn.Module):
    """[FiLM(t)] -> self-attention within chunks -> DualAGC -> causal convolutional feed-forward, each residual and pre-norm; [B, T, C]."""
    def __init__(self, channels, heads, hidden, kernel, keys, speaker, style, time=0):
        super().__init__(); self.heads, self.kernel = heads, kernel; self.film = nn.Linear(time, 2 * channels) if time else None
        if time: nn.init.zeros_(self.film.weight); nn.init.zeros_(self.film.bias)
        self.norm1 = RmsNorm(channels); self.qkv = nn.Linear(channels, 3 * channels); self.attended = nn.Linear(channels, channels); self.norm2 = RmsNorm(channels); self.dual = DualAgc(channels, heads, keys, speaker, style)
        self.norm3 = RmsNorm(channels); self.expand = nn.Conv1d(channels, hidden, kernel); self.project = nn.Conv1d(hidden, channels, 1)
        for w in (self.attended.weight, self.dual.out.weight, self.project.weight): w.data.mul_(0.5)
    def forward(self, x, r, mask, time=None):
        if self.film is not None: g, b = self.film(time)[:, None].chunk(2, -1); x = (1 + g) * x + b
        n, t, c = x.shape; q, k, v = self.qkv(self.norm1(x)).view(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.attended(F.scaled_dot_product_attention(rotate(q), rotate(k), v, attn_mask=mask).transpose(1, 2).reshape(n, t, c))
        x = x + self.dual(self.norm2(x), r); h = F.pad(self.norm3(x).transpose(1, 2), (self.kernel - 1, 0))
        return x + self.project(F.silu(self.expand(h))).transpose(1, 2)

def chunk_mask(t, chunk, past):
    """[t, t]: position i sees its own chunk and the `past` positions before the chunk."""
    i = torch.arange(t); first = i // chunk * chunk
    return (i[None] < (first + chunk)[:, None]) & (i[None] >= (first - past)[:, None])

def time_embedding(t, size):
    """t [B] in 0..1 -> [B, size]."""
    a = 1000 * t[:, None] * torch.exp(-math.log(10000) * torch.arange(size // 2) / (size // 2)); return torch.cat([a.sin(), a.cos()], 1)

class StableVc(nn.Module):
    """Everything but the vocoder."""
    def __init__(self, c=STARTER):
        super().__init__(); self.config = c; s, m, fr, fl = (c[k] for k in ("style", "module", "frame", "flow")); ch, v, keys = m["channels"], c["speaker"]["features"], c["key_channels"]
        self.content = ContentEncoder(c["bands"], c["symbols"], **c["content"]); self.speaker = SpeakerEncoder(keys, **c["speaker"]); self.style = StyleEncoder(**s)
        self.shape = Shape(**c["shape"]) if c.get("shape") else None; shape = self.shape.width if self.shape else 0; self.shaped = nn.Linear(shape * c["frames_per_unit"], ch, bias=False) if shape else None
        if shape: nn.init.zeros_(self.shaped.weight)
        self.enter = nn.Linear(c["content"]["features"], ch); self.module = nn.ModuleList(Block(ch, m["heads"], m["hidden"], m["kernel"], keys, v, s["channels"]) for _ in range(m["blocks"]))
        self.duration = nn.Sequential(nn.Linear(ch, ch), nn.SiLU(), nn.Linear(ch, 1)); self.up = nn.Linear(ch, ch * c["frames_per_unit"]); self.conditions = nn.Linear(4 + shape, ch)
        self.frame = nn.ModuleList(CausalConvBlock(ch, fr["hidden"], fr["kernel"]) for _ in range(fr["blocks"])); self.film = nn.Linear(v + 1, 2 * ch * fr["blocks"]); nn.init.zeros_(self.film.weight); nn.init.zeros_(self.film.bias)
        self.norm = ChannelNorm(ch); self.mean = nn.Conv1d(ch, c["bands"], 1); self.register_buffer("spread", torch.full((c["bands"],), 0.4))
        self.time = nn.Sequential(nn.Linear(fl["time"], fl["channels"]), nn.SiLU()); self.input = nn.Linear(2 * c["bands"] + ch, fl["channels"])
        self.flow = nn.ModuleList(Block(fl["channels"], fl["heads"], fl["hidden"], fl["kernel"], keys, v, s["channels"], fl["channels"]) for _ in range(fl["blocks"]))
        self.flow_norm = RmsNorm(fl["channels"]); self.output = nn.Linear(fl["channels"], c["bands"]); nn.init.zeros_(self.output.weight); nn.init.zeros_(self.output.bias)
    def hidden(self, e, r, mask, shape=None):
        """Content features [B, U, features], shape of their frames [B, T, features] if they stand where they stood -> [B, U, C]."""
        x = self.enter(e)
        if shape is not None: x = x + self.shaped(shape.reshape(*e.shape[:2], -1))
        for b in self.module: x = b(x, r, mask)
        return x
    def condition(self, x, r, f0, voiced, level, register, shape=None):
        """Content [B, U, C], frame conditions each [B, T], register [B] (ln Hz), shape [B, T, features] -> condition [B, C, T], mu [B, bands, T] (normalised mel)."""
        n, u, ch = x.shape; x = self.up(x).view(n, u * self.config["frames_per_unit"], ch); high = (register - REGISTER)[:, None]
        x = x + self.conditions(torch.cat([torch.stack([f0, voiced, level, high.expand_as(f0)], 2)] + ([shape] if shape is not None else []), 2)); x = x.transpose(1, 2)
        film = self.film(torch.cat([r["speaker"], high], 1)).view(n, len(self.frame), 2, ch)
        for i, b in enumerate(self.frame): x = b(x, (film[:, i, 0], film[:, i, 1]))
        x = self.norm(x); return x, self.mean(x)
    def field(self, z, t, mu, h, r, mask):
        """Vector field at z = x_t [B, bands, T], t [B]; the field of N(mu, spread^2) plus its standard deviation times the network's output."""
        t_ = t[:, None, None]; s = self.spread[:, None]; var = (t_ * s).square() + (1 - t_).square() + 1e-8; d = z - t_ * mu
        x = self.input(torch.cat([d * var.rsqrt(), mu, h], 1).transpose(1, 2)); e = self.time(time_embedding(t, self.config["flow"]["time"]))
        for b in self.flow: x = b(x, r, mask, e)
        y = self.output(self.flow_norm(x)).transpose(1, 2)
        return mu + (t_ * s.square() - (1 - t_)) / var * d, s * var.rsqrt(), y
    def sample(self, mu, h, r, mask, noise, steps=10, cosine=False):
        x = noise; grid = torch.linspace(0, 1, steps + 1)
        if cosine: grid = 1 - torch.cos(grid * math.pi / 2)
        for a, b in zip(grid[:-1], grid[1:]): base, scale, y = self.field(x, a.expand(len(x)), mu, h, r, mask); x = x + (b - a) * (base + scale * y)
        return x

def level_of(mel):
    """Frame level of a mel [.., bands, T] -> [.., T]: ln of the RMS over bands, shifted and scaled to the order of one."""
    return (0.5 * torch.log(torch.exp(2 * mel).mean(-2) + 1e-9) + 4) / 2
