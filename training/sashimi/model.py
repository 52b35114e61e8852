#!/usr/bin/env python3
"""SaShiMi in PyTorch, in the names of the reference's v4 checkpoints, so that the engine loads what is trained here.

    model.py --random FILE [--width 64] [--layers 8] [--states 64] [--unet]     an untrained checkpoint, for timing

The state spaces are diagonal (S4D, Gu et al. 2022: P stays 0), which lets one core learn them: a layer is a product with a
Toeplitz matrix inside chunks of 64 samples and a recurrence of the states from chunk to chunk, several times faster than
transforms of the whole clip. The engine steps them as it does any other.
"""
import argparse, math
import torch, torch.nn as nn, torch.nn.functional as F

CODES, SILENCE, CHUNK = 256, 128, 64
STARTER = {"width": 32, "layers": 3, "states": 32, "pool": [4, 4], "unet": False}

def before(codes, jitter=0.0):
    """What stands before each code; with jitter it is off, as the model's own samples are, each clip by a standard deviation of its own between a 150th of that and all of it."""
    x = F.pad(codes[:, :-1], (1, 0), value=SILENCE); return (x + (torch.randn(x.shape) * torch.exp(-5 * torch.rand(len(x), 1)) * jitter).round().long()).clamp(0, CODES - 1) if jitter else x

class Scan(torch.autograd.Function):
    """States before each chunk: s[0] = 0, s[i] = a s[i - 1] + x[i - 1], a [H, B, N], x [I, H, B, N], complex."""
    @staticmethod
    def forward(ctx, a, x):
        s = torch.empty_like(x); s[0] = 0
        for i in range(1, len(x)): torch.addcmul(x[i - 1], a, s[i - 1], out=s[i])
        ctx.save_for_backward(a, s); return s
    @staticmethod
    def backward(ctx, g):
        a, s = ctx.saved_tensors; back = a.conj().resolve_conj(); d = torch.empty_like(g); d[-1] = 0; total = g[-1].clone()
        for i in range(len(g) - 1, 0, -1):
            d[i - 1] = total
            if i > 1: total = torch.addcmul(g[i - 1], back, total)
        return (s[:-1].conj() * d[:-1]).sum(0), d

class Product(torch.autograd.Function):
    """x @ w of batches, every operand laid out for one call."""
    @staticmethod
    def forward(ctx, x, w): x, w = x.contiguous(), w.contiguous(); ctx.save_for_backward(x, w); return torch.bmm(x, w)
    @staticmethod
    def backward(ctx, g): x, w = ctx.saved_tensors; g = g.contiguous(); return torch.bmm(g, w.transpose(1, 2).contiguous()), torch.bmm(x.transpose(1, 2).contiguous(), g)

class CrossEntropy(torch.autograd.Function):
    """Mean of -log2 softmax(x)[codes], x [N, 256]; the gradient is kept in place of the logarithms, in fewer passes."""
    @staticmethod
    def forward(ctx, x, codes): i = torch.arange(len(x)); top = x.amax(1, keepdim=True); e = (x - top).exp_(); total = e.sum(1, keepdim=True); loss = (total.log()[:, 0] + top[:, 0] - x[i, codes]).mean() / math.log(2); e /= total; e[i, codes] -= 1; ctx.save_for_backward(e.mul_(1 / math.log(2) / len(x))); return loss
    @staticmethod
    def backward(ctx, g): return ctx.saved_tensors[0] * g, None

def powers(log, n):
    """exp(log) to the 0 .. n, by products, ten times faster than complex exponentials."""
    e = torch.exp(log)[..., None]; e = torch.cat([torch.ones_like(e), e], -1)
    while e.shape[-1] <= n: e = torch.cat([e, e[..., 1:] * e[..., -1:]], -1)
    return e[..., :n + 1]

class Kernel(nn.Module):
    def __init__(s, channels, states):
        super().__init__(); n = states // 2; pair = lambda z: torch.view_as_real(z).float().contiguous()
        s.inv_dt = nn.Parameter(torch.rand(channels, 1) * (math.log(0.1) - math.log(1e-3)) + math.log(1e-3)); s.C = nn.Parameter(torch.randn(1, channels, n, 2) * 0.5 ** 0.5)
        s.B = nn.Parameter(pair(torch.ones(1, channels, n, dtype=torch.complex64))); s.register_buffer("P", torch.zeros(1, channels, n, 2))
        s.A_real = nn.Parameter(torch.full((channels, n), math.log(0.5))); s.A_imag = nn.Parameter(-math.pi * torch.arange(n).float().repeat(channels, 1)); s.register_buffer("l_kernel", torch.tensor(0))
    def forward(s):
        """The poles' logarithms and the products C B of the bilinear rule, [H, N] each."""
        c = lambda x: torch.view_as_complex(x)[0]; half = s.inv_dt.exp() / 2 * torch.complex(-s.A_real.exp(), -s.A_imag); return torch.log((1 + half) / (1 - half)), c(s.C) * c(s.B) * s.inv_dt.exp() / (1 - half)

class Conv(nn.Module):
    def __init__(s, channels, states): super().__init__(); s.D = nn.Parameter(torch.randn(1, channels)); s.kernel = Kernel(channels, states)
    def forward(s, u):
        """[B, T, H] to [B, T, H], T a multiple of the chunk or shorter than it."""
        B, T, H = u.shape; J = min(CHUNK, T); I = -(-T // J); u = F.pad(u, (0, 0, 0, I * J - T)).permute(2, 0, 1).reshape(H, B * I, J)
        log, cb = s.kernel(); n = log.shape[1]; e = powers(log, J); out = cb[..., None] * e
        k = 2 * out[..., :J].real.sum(1); k = torch.cat([torch.zeros(H, J - 1), k[:, :1] + s.D[0, :, None], k[:, 1:]], 1); y = Product.apply(u, k.unfold(1, J, 1).flip(1))
        if I > 1:
            x = Product.apply(u, torch.view_as_real(e[..., :J].flip(2).transpose(1, 2).contiguous()).reshape(H, J, 2 * n)); x = torch.view_as_complex(x.view(H, B, I, n, 2).permute(2, 0, 1, 3, 4).contiguous())
            state = torch.view_as_real(Scan.apply(e[:, None, :, J].expand(H, B, n).contiguous(), x)).permute(1, 2, 0, 3, 4).reshape(H, B * I, 2 * n); y = y + Product.apply(state, 2 * torch.view_as_real(out[..., 1:].conj().resolve_conj()).permute(0, 1, 3, 2).reshape(H, 2 * n, J))
        return y.view(H, B, I * J).permute(1, 2, 0)[:, :T]

class Norm(nn.Module):
    def __init__(s): super().__init__(); s.norm = nn.Module(); s.norm.register_buffer("m", torch.zeros(1)); s.norm.s = nn.Parameter(torch.ones(1))
    def forward(s, x): return s.norm.s * F.layer_norm(x, x.shape[-1:], eps=1e-12)

class S4(nn.Module):
    def __init__(s, channels, states): super().__init__(); s.layer = Conv(channels, states); s.output_linear = nn.ModuleList([nn.Linear(channels, 2 * channels)])
    def forward(s, u): return F.glu(s.output_linear[0](F.gelu(s.layer(u)).contiguous()), -1)

class FF(nn.Module):
    def __init__(s, channels): super().__init__(); s.ff = nn.ModuleList([nn.ModuleList([nn.Linear(channels, 2 * channels)]), nn.Identity(), nn.Linear(2 * channels, channels)])
    def forward(s, u): return s.ff[2](F.gelu(s.ff[0][0](u)))

class Residual(nn.Module):
    def __init__(s, layer): super().__init__(); s.norm = Norm(); s.layer = layer
    def forward(s, x): return x + s.layer(s.norm(x))

class Pool(nn.Module):
    def __init__(s, a, b, p, up): super().__init__(); s.p, s.up = p, up; s.linear = nn.Linear(a, b * p) if up else nn.Linear(a * p, b)
    def forward(s, x):
        B, T, C = x.shape
        if not s.up: return s.linear(x.reshape(B, T // s.p, s.p, C).transpose(2, 3).reshape(B, T // s.p, C * s.p))
        x = F.pad(s.linear(x)[:, :-1], (0, 0, 1, 0)); return x.view(B, T, -1, s.p).transpose(2, 3).reshape(B, T * s.p, -1)

class Backbone(nn.Module):
    def __init__(s, width, layers, states, pool, unet):
        super().__init__(); s.unet = unet; pairs = lambda h: [Residual(f) for _ in range(layers) for f in (S4(h, states), FF(h))]; h, down = width, []
        for p in pool: down += (pairs(h) if unet else []) + [Pool(h, 2 * h, p, False)]; h = 2 * h
        s.d_layers, s.c_layers, up = nn.ModuleList(down), nn.ModuleList(pairs(h)), []
        for p in reversed(pool): h = h // 2; up.append(nn.ModuleList([Pool(2 * h, h, p, True), *pairs(h)]))
        s.u_layers = nn.ModuleList([f for block in up for f in block]) if unet else nn.ModuleList(up); s.norm = nn.LayerNorm(width)
    def forward(s, x):
        skips = []
        for f in s.d_layers: skips.append(x); x = f(x)
        around = x
        for f in s.c_layers: x = f(x)
        x = x + around
        if s.unet:
            for f in s.u_layers: x = f(x) + skips.pop()
        else:
            for up, *block in s.u_layers:
                x = z = up(x) + skips.pop()
                for f in block: x = f(x)
                x = x + z
        return s.norm(x)

class Sashimi(nn.Module):
    """Codes [B, T] to logits [B, T, 256] of the code after each; T a multiple of the pools' product."""
    def __init__(s, width, layers, states, pool, unet):
        super().__init__(); s.encoder = nn.ModuleList([nn.Embedding(CODES, width)]); s.model = Backbone(width, layers, states, pool, unet); s.decoder = nn.ModuleList([nn.Module()]); s.decoder[0].output_transform = nn.Linear(width, CODES)
    def forward(s, x): return s.decoder[0].output_transform(s.model(s.encoder[0](x)))
    def bits(s, codes, jitter=0.0): return CrossEntropy.apply(s(before(codes, jitter)).flatten(0, 1), codes.flatten())

def main():
    from safetensors.torch import save_file
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--random", required=True); a.add_argument("--unet", action="store_true")
    for n, d in (("width", 64), ("layers", 8), ("states", 64)): a.add_argument("--" + n, type=int, default=d)
    o = a.parse_args(); torch.manual_seed(1); m = Sashimi(o.width, o.layers, o.states, [4, 4], o.unet)
    save_file({k: v.contiguous() for k, v in m.state_dict().items()}, o.random); print(sum(p.numel() for p in m.parameters()), "parameters")

if __name__ == "__main__": main()
