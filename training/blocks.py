"""Network parts shared by every starter model; the Rust twins carry the same names and shapes."""
import math
import torch, torch.nn as nn, torch.nn.functional as F

class ChannelNorm(nn.Module):
    """RMS norm over the channels of [B, C, T]."""
    def __init__(self, channels, eps=1e-6):
        super().__init__(); self.gain = nn.Parameter(torch.ones(channels)); self.eps = eps
    def forward(self, x): return x * torch.rsqrt(x.square().mean(1, keepdim=True) + self.eps) * self.gain[None, :, None]

HALF = {"on": False}  # blocks compute in bfloat16 (faster where the CPU has it); what runs between them stays in single precision

class ConvBlock(nn.Module):
    """x + project(silu(expand(norm(x)))): a dense convolution widens, a pointwise one narrows; [B, C, T].

    With `film` = (scale, shift), each [B, C], the norm's output is modulated: norm(x) * (1 + scale) + shift. With `ahead`, a frame
    sees so many frames after it and the more before it, kernel - 1 in all.
    """
    def __init__(self, channels, hidden, kernel, ahead=None):
        super().__init__(); self.norm = ChannelNorm(channels); self.around = None if ahead is None else (kernel - 1 - ahead, ahead); self.expand = nn.Conv1d(channels, hidden, kernel, padding=0 if self.around else kernel // 2)
        self.project = nn.Conv1d(hidden, channels, 1); nn.init.normal_(self.project.weight, std=0.3 / math.sqrt(hidden)); nn.init.zeros_(self.project.bias)
    def forward(self, x, film=None, mask=None):
        h = self.norm(x)
        if film is not None: h = h * (1 + film[0][..., None]) + film[1][..., None]
        if mask is not None: h = h * mask  # the shift must not reach the padding, from where the convolution would bring it back
        if self.around: h = F.pad(h, self.around)
        with torch.autocast("cpu", torch.bfloat16, enabled=HALF["on"]): y = self.project(F.silu(self.expand(h)))
        return x + y.float()

class RmsNorm(nn.Module):
    """RMS norm over the last axis."""
    def __init__(self, channels, eps=1e-6):
        super().__init__(); self.gain = nn.Parameter(torch.ones(channels)); self.eps = eps
    def forward(self, x): return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.gain

def rotate(x, offset=0, base=10000.0):
    """Rotary position embedding of x [B, H, T, D] (D even, halves rotated as in GPT-NeoX)."""
    t = torch.arange(offset, offset + x.shape[2], dtype=torch.float32); d = x.shape[3] // 2
    angle = t[:, None] * base ** (-torch.arange(d, dtype=torch.float32) / d); c, s = angle.cos(), angle.sin(); a, b = x[..., :d], x[..., d:]
    return torch.cat([a * c - b * s, a * s + b * c], -1)

class SelfAttention(nn.Module):
    """Multi-head self-attention with rotary positions; [B, T, C]."""
    def __init__(self, channels, heads):
        super().__init__(); self.heads = heads; self.qkv = nn.Linear(channels, 3 * channels); self.out = nn.Linear(channels, channels)
    def forward(self, x, mask=None, causal=False):
        b, t, c = x.shape; q, k, v = self.qkv(x).view(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        m = None if mask is None else (mask[:, None, None, :] if mask.dim() == 2 else mask[:, None])
        y = F.scaled_dot_product_attention(rotate(q), rotate(k), v, attn_mask=m, is_causal=causal)
        return self.out(y.transpose(1, 2).reshape(b, t, c))

class CrossAttention(nn.Module):
    """Multi-head attention of q [B, N, C] over keys/values [B, M, D]; no positions, so the order of keys is irrelevant."""
    def __init__(self, channels, key_channels, heads):
        super().__init__(); self.heads = heads; self.q = nn.Linear(channels, channels); self.k = nn.Linear(key_channels, channels)
        self.v = nn.Linear(key_channels, channels); self.out = nn.Linear(channels, channels)
    def forward(self, x, keys, mask=None):
        def split(y): return y.view(y.shape[0], y.shape[1], self.heads, -1).transpose(1, 2)
        y = F.scaled_dot_product_attention(split(self.q(x)), split(self.k(keys)), split(self.v(keys)), attn_mask=None if mask is None else mask[:, None, None, :])
        return self.out(y.transpose(1, 2).reshape(x.shape))

class FftBlock(nn.Module):
    """Feed-forward transformer block: x + attention(norm(x)), then x + conv feed-forward(norm(x)); [B, N, C]."""
    def __init__(self, channels, heads, hidden, kernel):
        super().__init__(); self.norm1 = RmsNorm(channels); self.attention = SelfAttention(channels, heads); self.norm2 = RmsNorm(channels)
        self.expand = nn.Conv1d(channels, hidden, kernel, padding=kernel // 2); self.project = nn.Conv1d(hidden, channels, 1)
    def forward(self, x, mask):
        x = x + self.attention(self.norm1(x), mask); h = self.norm2(x) * mask[..., None]
        return x + self.project(F.relu(self.expand(h.transpose(1, 2)))).transpose(1, 2)

class CausalBlock(nn.Module):
    """Transformer decoder block: causal self-attention with rotary positions, then a SiLU feed-forward; [B, T, C]."""
    def __init__(self, channels, heads, hidden):
        super().__init__(); self.norm1 = RmsNorm(channels); self.attention = SelfAttention(channels, heads); self.norm2 = RmsNorm(channels)
        self.expand = nn.Linear(channels, hidden); self.project = nn.Linear(hidden, channels)
    def forward(self, x):
        x = x + self.attention(self.norm1(x), causal=True)
        return x + self.project(F.silu(self.expand(self.norm2(x))))
