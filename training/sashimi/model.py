#!/usr/bin/env python3
"""SaShiMi in PyTorch, in the names of the reference's v4 checkpoints, so that the engine loads what is trained here.

    model.py --random FILE [--width 64] [--layers 8] [--states 64] [--unet]     an untrained checkpoint, for timing

Diagonal plus rank one (S4, not S4D): A = diag(lambda) - p p*, lambda = -exp(A_real) - i A_imag, stable whatever is learned.
The kernel is the one of its definition, without the pole at the highest frequency; C is stored corrected for the length trained at.
"""
import argparse, math
import torch, torch.nn as nn, torch.nn.functional as F

CODES, SILENCE = 256, 128
STARTER = {"width": 48, "layers": 4, "states": 32, "pool": [4, 4], "unet": False, "tied": True}

def legs(n):
    """HiPPO-LegS: the conjugate pairs (lambda, b, p) with negative imaginary parts."""
    k = torch.arange(n, dtype=torch.float64); p = torch.sqrt(k + 0.5); b = torch.sqrt(2 * k + 1); a = -torch.tril(b[:, None] * b, -1) - torch.diag(k + 1)
    skew = a + p[:, None] * p + 0.5 * torch.eye(n, dtype=torch.float64); im, v = torch.linalg.eigh(-1j * skew.to(torch.complex128)); v, im = v[:, im < 0], im[im < 0]
    return -0.5 + 1j * im, v.conj().T @ b.to(v.dtype), v.conj().T @ p.to(v.dtype)

class Kernel(nn.Module):
    def __init__(s, channels, states, length, tied=True):
        super().__init__(); lam, b, p = legs(states); sets = 1 if tied else channels; n = states // 2; pair = lambda z: torch.view_as_real(z).float()
        s.inv_dt = nn.Parameter(torch.rand(channels, 1) * (math.log(0.1) - math.log(1e-3)) + math.log(1e-3)); s.C = nn.Parameter(torch.randn(1, channels, n, 2) * 0.5 ** 0.5)
        s.B = nn.Parameter(pair(b.expand(1, sets, -1)).clone()); s.P = nn.Parameter(pair(p.expand(1, sets, -1)).clone())
        s.A_real = nn.Parameter(torch.log(-lam.real).float().expand(sets, -1).clone()); s.A_imag = nn.Parameter((-lam.imag).float().expand(sets, -1).clone()); s.register_buffer("l_kernel", torch.tensor(length))
    def forward(s):
        """[H, L]; double precision where the sums cancel."""
        H, L = len(s.inv_dt), int(s.l_kernel); c = lambda x: torch.view_as_complex(x.double().contiguous()); wide = lambda x: x.expand(H, -1) if x.shape[0] == 1 else x
        dt = s.inv_dt.double().exp(); lam = wide(-s.A_real.double().exp() - 1j * s.A_imag.double()); b, p, cc = wide(c(s.B)[0]), wide(c(s.P)[0]), c(s.C)[0]; q = p.conj()
        half = math.pi * torch.arange(L // 2 + 1, dtype=torch.float64) / L; sin, cos = torch.sin(half), torch.cos(half); mu = dt * lam
        # 1 / (|mu|^2 cos^2 - 4 sin^2 - 4i Re mu sin cos), shared by the four sums over real weights
        den = torch.complex((mu.abs() ** 2)[..., None] * cos ** 2 - 4 * sin ** 2, -4 * mu.real[..., None] * (sin * cos)); r = den.reciprocal(); del den
        def h(v): v = dt * v; a, be = 2 * v.real, 2 * (v * mu.conj()).real; return 2j * sin * torch.einsum("hn,hnl->hl", a.to(r.dtype), r) - cos * torch.einsum("hn,hnl->hl", be.to(r.dtype), r)
        k = torch.exp(1j * half) * (h(cc * b) - h(cc * p) * cos * h(q * b) / (1 + cos * h(q * p))); return torch.fft.irfft(k, n=L).float()

class Conv(nn.Module):
    def __init__(s, channels, states, length, tied): super().__init__(); s.D = nn.Parameter(torch.randn(1, channels)); s.kernel = Kernel(channels, states, length, tied)
    def forward(s, u): L = u.shape[-1]; n = 2 * L; return torch.fft.irfft(torch.fft.rfft(s.kernel()[:, :L], n=n) * torch.fft.rfft(u, n=n), n=n)[..., :L] + s.D[0, :, None] * u

class Linear(nn.Linear):
    """Over the channels of [B, C, T]."""
    def forward(s, x): return torch.einsum("oi,bit->bot", s.weight, x) + s.bias[:, None]

class Norm(nn.Module):
    def __init__(s): super().__init__(); s.norm = nn.Module(); s.norm.m = nn.Parameter(torch.zeros(1)); s.norm.s = nn.Parameter(torch.ones(1))
    def forward(s, x): var, mean = torch.var_mean(x, 1, unbiased=False, keepdim=True); return s.norm.s * (x - mean + s.norm.m) * torch.rsqrt(var + 1e-12)

class S4(nn.Module):
    def __init__(s, channels, *a): super().__init__(); s.layer = Conv(channels, *a); s.output_linear = nn.ModuleList([Linear(channels, 2 * channels)])
    def forward(s, u): a, g = s.output_linear[0](F.gelu(s.layer(u))).chunk(2, 1); return a * torch.sigmoid(g)

class FF(nn.Module):
    def __init__(s, channels): super().__init__(); s.ff = nn.ModuleList([nn.ModuleList([Linear(channels, 2 * channels)]), nn.Identity(), Linear(2 * channels, channels)])
    def forward(s, u): return s.ff[2](F.gelu(s.ff[0][0](u)))

class Residual(nn.Module):
    def __init__(s, layer): super().__init__(); s.norm = Norm(); s.layer = layer
    def forward(s, x): return x + s.layer(s.norm(x))

class Pool(nn.Module):
    def __init__(s, a, b, p, up): super().__init__(); s.p, s.up = p, up; s.linear = Linear(a, b * p) if up else Linear(a * p, b)
    def forward(s, x):
        B, C, T = x.shape
        if not s.up: return s.linear(x.view(B, C, T // s.p, s.p).transpose(2, 3).reshape(B, C * s.p, T // s.p))
        x = F.pad(s.linear(x)[..., :-1], (1, 0)); return x.view(B, -1, s.p, T).transpose(2, 3).reshape(B, -1, T * s.p)

class Backbone(nn.Module):
    def __init__(s, width, layers, states, pool, unet, tied, length):
        super().__init__(); s.unet = unet; pairs = lambda h, l: [Residual(f) for _ in range(layers) for f in (S4(h, states, l, tied), FF(h))]; h, l, down = width, length, []
        for p in pool: down += (pairs(h, l) if unet else []) + [Pool(h, 2 * h, p, False)]; h, l = 2 * h, l // p
        s.d_layers, s.c_layers, up = nn.ModuleList(down), nn.ModuleList(pairs(h, l)), []
        for p in reversed(pool): h, l = h // 2, l * p; up.append(nn.ModuleList([Pool(2 * h, h, p, True), *pairs(h, l)]))
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
        return s.norm(x.transpose(1, 2))

class Sashimi(nn.Module):
    """Codes [B, T] to logits [B, T, 256] of the code after each."""
    def __init__(s, width, layers, states, pool, unet, tied, length):
        super().__init__(); s.encoder = nn.ModuleList([nn.Embedding(CODES, width)]); s.model = Backbone(width, layers, states, pool, unet, tied, length); s.decoder = nn.ModuleList([nn.Module()]); s.decoder[0].output_transform = nn.Linear(width, CODES)
    def forward(s, x): return s.decoder[0].output_transform(s.model(s.encoder[0](x).transpose(1, 2)))
    def bits(s, codes): x = F.pad(codes[:, :-1], (1, 0), value=SILENCE); return F.cross_entropy(s(x).flatten(0, 1), codes.flatten()) / math.log(2)

def main():
    from safetensors.torch import save_file
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--random", required=True); a.add_argument("--unet", action="store_true")
    for n, d in (("width", 64), ("layers", 8), ("states", 64)): a.add_argument("--" + n, type=int, default=d)
    o = a.parse_args(); torch.manual_seed(1); m = Sashimi(o.width, o.layers, o.states, [4, 4], o.unet, not o.unet, 16000)
    for k, v in m.named_buffers(): v.zero_()  # C itself: nothing was trained
    save_file({k: v.contiguous() for k, v in m.state_dict().items()}, o.random); print(sum(p.numel() for p in m.parameters()), "parameters")

if __name__ == "__main__": main()
