"""Mega-TTS 2 (arXiv 2307.07218v4) at starter size: the acoustic autoencoder of stage 1, the P-LLM and the ADM of stage 2.

Deviations from the paper, all by config: a global timbre vector (v1's global encoder) modulates the decoder, the decoder
also predicts F0 and voicing for the harmonic vocoder, F0 relative to the register of the voice (the median ln F0 of its
references; prosody codes are taken from mels moved to one register, so that they carry none), its trunk runs at the duration unit (two frames), phone-internal
positions are given as features, and positions are rotary.
"""
import json, pathlib, sys
import torch, torch.nn as nn, torch.nn.functional as F
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from blocks import CausalBlock, ConvBlock, CrossAttention, FftBlock, RmsNorm

STARTER = {
    "symbols": 178, "bands": 100, "frames_per_unit": 2,
    "content": {"channels": 192, "layers": 4, "heads": 2, "hidden": 512, "kernel": 3},
    "timbre": {"channels": 128, "hidden": 192, "kernel": 3, "strides": [2, 2, 2, 2], "key_channels": 192, "heads": 2, "global_vector": True},
    "prosody": {"bands": 20, "channels": 128, "hidden": 192, "kernel": 3, "blocks": 2, "pool": 8, "codes": 256, "code_channels": 64, "register_hz": 160},
    "decoder": {"channels": 256, "hidden": 320, "kernel": 5, "blocks": 5, "fine_blocks": 2, "fine_kernel": 3, "pitch_heads": True, "register": True},
    "plm": {"channels": 192, "layers": 3, "heads": 3, "hidden": 512, "code_channels": 64},
    "adm": {"channels": 192, "layers": 3, "heads": 3, "hidden": 256},
}

class ContentEncoder(nn.Module):
    """Symbols [B, N] -> content [B, N, C]."""
    def __init__(self, symbols, channels, layers, heads, hidden, kernel):
        super().__init__(); self.embedding = nn.Embedding(symbols, channels); nn.init.normal_(self.embedding.weight, std=0.5)
        self.blocks = nn.ModuleList(FftBlock(channels, heads, hidden, kernel) for _ in range(layers)); self.norm = RmsNorm(channels)
    def forward(self, ids, mask):
        x = self.embedding(ids)
        for b in self.blocks: x = b(x, mask)
        return self.norm(x)

class TimbreEncoder(nn.Module):
    """Reference mels [B, bands, T] -> keys [B, ceil(T/16), K]; the mel encoder of MRTE."""
    def __init__(self, bands, channels, hidden, kernel, strides, key_channels, **_):
        super().__init__(); self.input = nn.Conv1d(bands, channels, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv1d(channels, channels, s + 1, stride=s, padding=s // 2) if s > 1 else nn.Identity() for s in strides)
        self.blocks = nn.ModuleList(ConvBlock(channels, hidden, kernel) for _ in strides); self.output = nn.Conv1d(channels, key_channels, 1)
    def forward(self, mel):
        x = self.input(mel)
        for d, b in zip(self.down, self.blocks): x = b(d(F.silu(x)))
        return self.output(x).transpose(1, 2)

class ProsodyEncoder(nn.Module):
    """Lowest mel bands of the target [B, 20, T] -> latents [B, ceil(T/8), code channels], then a vector quantiser (EMA)."""
    def __init__(self, bands, channels, hidden, kernel, blocks, pool, codes, code_channels, register_hz=None):
        super().__init__(); self.bands, self.pool = bands, pool; self.input = nn.Conv1d(bands, channels, kernel, padding=kernel // 2)
        self.frame_blocks = nn.ModuleList(ConvBlock(channels, hidden, kernel) for _ in range(blocks))
        self.code_blocks = nn.ModuleList(ConvBlock(channels, hidden, kernel) for _ in range(blocks)); self.output = nn.Conv1d(channels, code_channels, 1)
        self.register_buffer("codebook", torch.randn(codes, code_channels) * 0.1)
        self.register_buffer("usage", torch.ones(codes)); self.register_buffer("total", self.codebook.clone())
    def latents(self, mel, frames):
        """mel [B, bands, T] zero-padded past `frames` [B]; the utterance's mean level is removed, so loudness does not pass."""
        m = (torch.arange(mel.shape[2])[None] < frames[:, None])[:, None].float(); x = mel[:, : self.bands]
        level = (x * m).sum((1, 2), keepdim=True) / (m.sum((1, 2), keepdim=True) * self.bands); x = (x - level) / 2 * m
        x = self.input(x)
        for b in self.frame_blocks: x = b(x * m) 
        x = F.max_pool1d(torch.where(m > 0, x, torch.full_like(x, -1e4)), self.pool, ceil_mode=True)
        n = (frames + self.pool - 1) // self.pool; m = (torch.arange(x.shape[2])[None] < n[:, None])[:, None].float(); x = torch.where(m > 0, x, torch.zeros_like(x))
        for b in self.code_blocks: x = b(x * m)
        return self.output(x).transpose(1, 2), m[:, 0] > 0
    def nearest(self, z): return torch.cdist(z, self.codebook[None]).argmin(-1)
    def forward(self, mel, frames):
        z, mask = self.latents(mel, frames); codes = self.nearest(z.detach()); q = self.codebook[codes]
        if self.training: self._update(z[mask].detach(), codes[mask])
        commit = (z - q).square()[mask].mean()
        return z + (q - z).detach(), codes, mask, commit
    @torch.no_grad()
    def _update(self, z, codes, decay=0.97):
        n = torch.bincount(codes, minlength=len(self.codebook)).float(); s = torch.zeros_like(self.codebook).index_add_(0, codes, z)
        self.usage.mul_(decay).add_(n, alpha=1 - decay); self.total.mul_(decay).add_(s, alpha=1 - decay)
        dead = self.usage < 0.05 * max(1.0, len(z) / len(self.codebook))
        if dead.any():
            fresh = z[torch.randint(len(z), (int(dead.sum()),))]; fresh = fresh + 0.01 * torch.randn_like(fresh)
            self.total[dead] = fresh; self.usage[dead] = 1.0
        self.codebook.copy_(self.total / self.usage.clamp(min=1e-4)[:, None])

REGISTER = 5.0  # ln Hz, about 150 Hz: the origin of registers

class Decoder(nn.Module):
    """Content+timbre per unit, phone positions and prosody codes -> mel [B, bands, T], ln F0 [B, T], voicing logit [B, T]."""
    def __init__(self, inputs, timbre, bands, frames_per_unit, channels, hidden, kernel, blocks, fine_blocks, fine_kernel, pitch_heads, register=False):
        super().__init__(); self.register = register; timbre = timbre + register if timbre else 0; self.frames_per_unit = frames_per_unit; self.channels = channels; self.pitch_heads = pitch_heads
        self.input = nn.Conv1d(inputs, channels, kernel, padding=kernel // 2)
        self.blocks = nn.ModuleList(ConvBlock(channels, hidden, kernel) for _ in range(blocks))
        self.film = nn.Linear(timbre, 2 * channels * blocks) if timbre else None
        if timbre: nn.init.normal_(self.film.weight, std=0.02); nn.init.zeros_(self.film.bias)
        self.up = nn.Conv1d(channels, channels * frames_per_unit, 1)
        self.fine = nn.ModuleList(ConvBlock(channels, hidden, fine_kernel) for _ in range(fine_blocks))
        self.output = nn.Conv1d(channels, bands + (2 if pitch_heads else 0), 1)
        if pitch_heads: self.output.bias.data[-2] = 5.0  # ln 150 Hz
    def forward(self, x, g, mask, register=None):
        """register [B]: median ln F0 the voice speaks at, in a decoder that has one."""
        m = mask[:, None].float(); x = self.input(x * m)
        if self.register: high = (register - REGISTER)[:, None]; g = torch.cat([g, high], 1)
        film = self.film(g).view(len(g), len(self.blocks), 2, self.channels) if self.film is not None else None
        for i, b in enumerate(self.blocks): x = b(x * m, None if film is None else (film[:, i, 0], film[:, i, 1]), m)
        x = self.up(x); x = x.view(x.shape[0], self.frames_per_unit, self.channels, x.shape[2]).permute(0, 2, 3, 1).reshape(x.shape[0], self.channels, -1)
        m = m.repeat_interleave(self.frames_per_unit, 2)
        for b in self.fine: x = b(x * m)
        y = self.output(x)
        return (y[:, :-2], y[:, -2] + (high if self.register else 0), y[:, -1]) if self.pitch_heads else (y, None, None)

class Acoustic(nn.Module):
    """Stage 1: content encoder, MRTE, VQ prosody encoder and mel decoder."""
    def __init__(self, c=STARTER):
        super().__init__(); self.config = c; ch = c["content"]["channels"]; t = c["timbre"]; p = c["prosody"]
        self.content = ContentEncoder(c["symbols"], **c["content"]); self.timbre = TimbreEncoder(c["bands"], **t)
        self.timbre_norm = RmsNorm(ch); self.timbre_attention = CrossAttention(ch, t["key_channels"], t["heads"]); self.prosody = ProsodyEncoder(**p)
        self.decoder = Decoder(ch + 3 + p["code_channels"], t["key_channels"] if t["global_vector"] else 0, c["bands"], c["frames_per_unit"], **c["decoder"])
        # normalised mel: (mel + 5) / 2.5, so that the network's outputs are O(1)
    def keys(self, references, frames):
        """references [B, bands, Tr], frames [B] -> keys [B, M, K], mask [B, M], global vector [B, K]."""
        k = self.timbre((references + 5) / 2.5); n = (frames + 15) // 16; mask = torch.arange(k.shape[1])[None] < n[:, None]
        return k, mask, (k * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    def decode(self, content, keys, key_mask, g, index, position, unit_mask, quantised, register=None):
        """index [B, U] symbol of each unit; position [B, U, 3]; quantised [B, L, code channels] -> mel, ln F0, voicing."""
        ct = content + self.timbre_attention(self.timbre_norm(content), keys, key_mask)
        x = torch.gather(ct, 1, index[..., None].expand(-1, -1, ct.shape[2])); r = self.config["prosody"]["pool"] // self.config["frames_per_unit"]
        q = quantised.repeat_interleave(r, 1)[:, : x.shape[1]]
        mel, f0, voicing = self.decoder(torch.cat([x, position, q], 2).transpose(1, 2), g, unit_mask, register)
        return mel * 2.5 - 5, f0, voicing
    def forward(self, b):
        z = self.content(b["ids"], b["symbol_mask"]); keys, mask, g = self.keys(b["references"], b["reference_frames"])
        q, codes, _, commit = self.prosody(b.get("prosody_mel", b["mel"]), b["frames"])
        mel, f0, voicing = self.decode(z, keys, mask, g, b["index"], b["position"], b["unit_mask"], q, b["register"])
        return {"mel": mel, "f0": f0, "voicing": voicing, "commit": commit, "codes": codes, "content": z, "global": g}

def expand(units):
    """Durations in units [N] -> symbol index of each unit [U] and its position features [U, 3]."""
    index = torch.repeat_interleave(torch.arange(len(units)), units); start = torch.cumsum(units, 0) - units; d = units[index].float()
    at = (torch.arange(len(index)) - start[index]).float()
    return index, torch.stack([(at + 0.5) / d, at.clamp(max=15) / 8, torch.log1p(d) / 2], 1)

class ProsodyLm(nn.Module):
    """P-LLM: content at code rate [B, L, C] and previous codes -> logits over codes + EOS; rows hold whole sentences.

    Input token ids: 0..codes-1, codes = BOS; targets: codes = EOS. `null_content` replaces unknown content, `end_content`
    stands at the position that predicts EOS.
    """
    def __init__(self, content, codes, channels, layers, heads, hidden, code_channels):
        super().__init__(); self.codes = codes; self.embedding = nn.Embedding(codes + 1, code_channels); self.input = nn.Linear(content + code_channels, channels)
        self.blocks = nn.ModuleList(CausalBlock(channels, heads, hidden) for _ in range(layers)); self.norm = RmsNorm(channels); self.output = nn.Linear(channels, codes + 1)
        self.null_content = nn.Parameter(torch.zeros(content)); self.end_content = nn.Parameter(torch.randn(content) * 0.5)
    def forward(self, content, previous):
        x = self.input(torch.cat([content, self.embedding(previous)], -1))
        for b in self.blocks: x = b(x)
        return self.output(self.norm(x))

class DurationModel(nn.Module):
    """ADM: content [B, N, C] and the previous duration -> ln(1 + duration in units); [B, N].

    The previous duration enters as two features: ln(1 + d) (zero at a sentence's start) and a start flag.
    """
    def __init__(self, content, channels, layers, heads, hidden):
        super().__init__(); self.input = nn.Linear(content + 2, channels); self.blocks = nn.ModuleList(CausalBlock(channels, heads, hidden) for _ in range(layers))
        self.norm = RmsNorm(channels); self.output = nn.Linear(channels, 1); self.null_content = nn.Parameter(torch.zeros(content))
    def forward(self, content, previous):
        x = self.input(torch.cat([content, previous], -1))
        for b in self.blocks: x = b(x)
        return self.output(self.norm(x))[..., 0]

def pool_content(content, index, r):
    """Content [N, C] expanded by `index` [U] and max-pooled over r units -> [ceil(U / r), C]."""
    x = content[index]; pad = -len(x) % r
    return torch.cat([x, x.new_full((pad, x.shape[1]), -torch.inf)]).view(-1, r, x.shape[1]).amax(1)
