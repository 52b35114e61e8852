#!/usr/bin/env python3
"""DiffWave-SaShiMi in double precision, written from the definition: fixtures for the engine's tests.

    fixture_diffwave.py --out DIR                    small random models of both branches, and a vocoder
    fixture_diffwave.py --check WEIGHTS IO           compare with numbers of the reference

A fixture holds the weights in the reference's names and, under io.*, inputs and outputs.
"""
import argparse, math, pathlib
import numpy as np, torch
from safetensors.torch import load_file, save_file
import torch.nn.functional as F

def kernel(dt, lam, b, p, q, c, length):
    """Impulse response [H, length] of diagonal plus rank one; dt [H], the rest [H, N] complex."""
    half = math.pi * torch.arange(length // 2 + 1, dtype=torch.float64) / length; s, co = torch.sin(half), torch.cos(half); mu = (dt[:, None] * lam)[..., None]
    def h(v):
        v = (dt[:, None] * v)[..., None]; f = lambda v, m: (v / (2j * s - m * co)).sum(1)
        return f(v, mu) + f(v.conj(), mu.conj())
    k = torch.exp(1j * half) * (h(c * b) - h(c * p) * co * h(q * b) / (1 + co * h(q * p)))
    k[:, 0] = k[:, 0].real.to(k.dtype); k[:, -1] = k[:, -1].real.to(k.dtype); return torch.fft.irfft(k, n=length)

def causal(k, u): n = 2 * u.shape[-1]; return torch.fft.irfft(torch.fft.rfft(k, n=n) * torch.fft.rfft(u, n=n), n=n)[..., : u.shape[-1]]

class Model:
    def __init__(m, weights, pools=(4, 4)):
        m.w = {k: v.double() if v.is_floating_point() else v for k, v in weights.items()}; m.pools = pools
    def mat(m, p):
        if p + ".weight" in m.w: return m.w[p + ".weight"]
        v = m.w[p + ".weight_v"]; return m.w[p + ".weight_g"] * v / v.flatten(1).norm(dim=1).view(-1, *[1] * (v.dim() - 1))
    def lin(m, p, x):
        w = m.mat(p).flatten(1); return torch.einsum("oi,bit->bot", w, x) + m.w[p + ".bias"].view(1, -1, 1)
    def ln(m, p, x): return m.w[p + ".s"] / x.std(1, unbiased=False, keepdim=True) * (x - x.mean(1, keepdim=True) + m.w[p + ".m"])
    def c(m, k): return torch.view_as_complex(m.w[k].contiguous())
    def s4(m, p, u):
        d = m.w[p + ".D"].view(-1, 1) * u; L = u.shape[-1]
        if p + ".kernel2.krylov.w" in m.w:
            def one(k):
                k = f"{p}.{k}.krylov"; H = len(m.w[k + ".log_dt"]); w, (b, pp), cq = m.c(k + ".w"), m.c(k + ".B"), m.c(k + ".C"); e = lambda x: x.expand(H, -1)
                return kernel(torch.exp(m.w[k + ".log_dt"]), e(w), e(b), e(pp), cq[:, 1].conj(), cq[:, 0].conj(), 2 * (m.w[k + ".nodes"].shape[0] - 1))[:, :L]
            back = causal(one("kernel2"), u.flip(-1)).flip(-1)
            return m.lin(p + ".output_linear", F.gelu(torch.cat([causal(one("kernel"), u) + d, back + d], 1)))
        k = p + ".kernel.kernel"; H = len(m.w[k + ".log_dt"]); lam = -torch.exp(m.w[k + ".inv_w_real"]) + 1j * m.w[k + ".w_imag"]; e = lambda x: x.repeat(H // x.shape[0], 1)
        dt, lam, b, pp = torch.exp(m.w[k + ".log_dt"]), e(lam), e(m.c(k + ".B")[0]), e(m.c(k + ".P")[0]); one = lambda c: kernel(dt, lam, b, pp, pp.conj(), c, int(m.w[k + ".L"]))[:, :L]
        k0, k1 = map(one, m.c(k + ".C")); later = causal(k1, u.flip(-1)).flip(-1); later = F.pad(later[..., 1:], (0, 1))
        a, g = m.lin(p + ".output_linear.0", F.gelu(causal(k0, u) + later + d)).chunk(2, 1); return a * torch.sigmoid(g)
    def block(m, p, x, e, mel):
        y = m.ln(p + ".norm1", x) + (e @ m.w[p + ".fc_t.weight"].T + m.w[p + ".fc_t.bias"])[..., None]; y = m.s4(p + ".layer", y)
        if mel is not None:
            z = mel[:, None]; i = 0
            while f"{p}.upsample_conv2d.{i}.bias" in m.w:
                w = m.mat(f"{p}.upsample_conv2d.{i}"); s = w.shape[-1] // 2; z = F.leaky_relu(F.conv_transpose2d(z, w, m.w[f"{p}.upsample_conv2d.{i}.bias"], stride=(1, s), padding=(1, s // 2)), 0.4); i += 1
            y = y + m.lin(p + ".mel_conv.conv", z[:, 0, :, : x.shape[-1]])
        x = x + y; return x + m.lin(p + ".ff.ff.2.conv", F.gelu(m.lin(p + ".ff.ff.0.conv", m.ln(p + ".norm2", x))))
    def count(m, g): return 1 + max(int(k.split(".")[1]) for k in m.w if k.startswith(g + "."))
    def eps(m, x, t, mel=None):
        x = F.relu(m.lin("init_conv.0.conv", x)); half = m.w["fc_t1.weight"].shape[1] // 2; f = torch.exp(-math.log(1e4) / (half - 1) * torch.arange(half, dtype=torch.float64)); a = t.double().view(-1, 1) * f; e = torch.cat([a.sin(), a.cos()], 1)
        for n in ("fc_t1", "fc_t2"): e = F.silu(e @ m.w[n + ".weight"].T + m.w[n + ".bias"])
        skips, factors = [], []
        for i in range(m.count("d_layers")):
            p = f"d_layers.{i}"; skips.append(x)
            if p + ".linear.conv.bias" in m.w:
                B, H, L = x.shape; s = m.mat(p + ".linear.conv").shape[1] // H; factors.append(s); x = m.lin(p + ".linear.conv", x.view(B, H, L // s, s).transpose(2, 3).reshape(B, H * s, L // s))
            else: x = m.block(p, x, e, mel)
        around = x
        for i in range(m.count("c_layers")): x = m.block(f"c_layers.{i}", x, e, mel)
        x = x + around
        for i in range(m.count("u_layers")):
            p = f"u_layers.{i}"
            if p + ".linear.conv.bias" in m.w:
                s = factors.pop(); x = m.lin(p + ".linear.conv", x); B, H, L = x.shape; x = x.view(B, H // s, s, L).transpose(2, 3).reshape(B, H // s, L * s)
            else: x = m.block(p, x, e, mel)
            x = x + skips.pop()
        return m.lin("final_conv.2.conv", F.relu(m.lin("final_conv.0.conv", m.ln("norm", x))))

def random_weights(branch, d=4, n=6, length=32, embed=12, mel=False):
    """One block per place, two pools of four, N conjugate pairs."""
    g = torch.Generator().manual_seed({"master": 1, "checkpoints": 2}[branch] + 2 * mel); w = {}; r = lambda *s, scale=1.0: torch.randn(*s, generator=g) * scale
    def linear(p, o, i, wn=True, shape=(1,)):
        v = r(o, i, *shape, scale=i ** -0.5)
        if wn: w[p + ".weight_v"] = v; w[p + ".weight_g"] = v.flatten(1).norm(dim=1).view(-1, 1, *[1] * len(shape)) * 1.1
        else: w[p + ".weight"] = v
        w[p + ".bias"] = r(o, scale=0.1)
    def block(p, h, L):
        linear(p + ".fc_t", h, embed, False, ()); freq = math.pi * torch.arange(n)
        for x in ("norm1", "norm2"): w[f"{p}.{x}.m"] = r(1, scale=0.1); w[f"{p}.{x}.s"] = 1 + r(1, scale=0.1)
        if branch == "checkpoints":
            for k in ("kernel", "kernel2"):
                k = f"{p}.layer.{k}.krylov"; w[k + ".log_dt"] = torch.rand(h, generator=g) * 4 - 6; w[k + ".w"] = torch.stack([-0.5 - torch.rand(n, generator=g), freq + r(n, scale=0.1)], -1); bp = r(2, n, 2, scale=0.7); w[k + ".B"] = bp; cq = r(h, 2, n, 2, scale=0.7); cq[:, 1] = bp[1] + 0.1 * cq[:, 1]; w[k + ".C"] = cq
                w[k + ".nodes"] = torch.zeros(L // 2 + 1, 2); w[k + ".z"] = torch.zeros(L // 2 + 1, 2)
            w[p + ".layer.D"] = r(h); w[p + ".layer.output_linear.weight"] = r(h, 2 * h, scale=(2 * h) ** -0.5); w[p + ".layer.output_linear.bias"] = r(h, 1, scale=0.1)
        else:
            k = p + ".layer.kernel.kernel"; w[k + ".log_dt"] = torch.rand(h, generator=g) * 4 - 6; w[k + ".inv_w_real"] = torch.full((h, n), math.log(0.5)) + r(h, n, scale=0.1); w[k + ".w_imag"] = freq + r(h, n, scale=0.1); w[k + ".B"] = r(1, h, n, 2, scale=0.7); w[k + ".P"] = r(1, h, n, 2, scale=0.7); w[k + ".C"] = r(2, h, n, 2, scale=0.7); w[k + ".L"] = torch.tensor(L)
            w[p + ".layer.D"] = r(1, h); linear(p + ".layer.output_linear.0", 2 * h, h, False)
        linear(p + ".ff.ff.0.conv", 2 * h, h); linear(p + ".ff.ff.2.conv", h, 2 * h)
        if mel:
            for i, s in enumerate((4, 4)): v = r(1, 1, 3, 2 * s, scale=0.4); w[f"{p}.upsample_conv2d.{i}.weight_v"] = v; w[f"{p}.upsample_conv2d.{i}.weight_g"] = v.norm().view(1, 1, 1, 1); w[f"{p}.upsample_conv2d.{i}.bias"] = r(1, scale=0.1)
            linear(p + ".mel_conv.conv", h, 5)
    linear("init_conv.0.conv", d, 1); v = w["init_conv.0.conv.weight_v"]; v.copy_(v.abs() * torch.tensor([1.0, -1.0]).repeat(d // 2).view(-1, 1, 1))  # never all channels at zero, which has no norm
    linear("fc_t1", embed, 8, False, ()); linear("fc_t2", embed, embed, False, ()); h, L = d, length
    for i in range(2): block(f"d_layers.{2 * i}", h, L); linear(f"d_layers.{2 * i + 1}.linear.conv", 2 * h, 4 * h); h *= 2; L //= 4
    block("c_layers.0", h, L)
    for i in range(2): h //= 2; L *= 4; linear(f"u_layers.{2 * i}.linear.conv", 4 * h, 2 * h); block(f"u_layers.{2 * i + 1}", h, L)
    w["norm.m"] = r(1, scale=0.1); w["norm.s"] = 1 + r(1, scale=0.1); linear("final_conv.0.conv", d, d); linear("final_conv.2.conv", 1, d, False); return w

@torch.no_grad()
def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter); a.add_argument("--out", type=pathlib.Path); a.add_argument("--check", nargs=2); o = a.parse_args()
    if o.check:
        io = load_file(o.check[1]); e = Model(load_file(o.check[0])).eps(io["x"].double(), io["t"]); print("largest difference", (e - io["eps"]).abs().max().item(), "of", io["eps"].abs().max().item()); return
    for name, branch, mel in (("diffwave_master", "master", False), ("diffwave_checkpoints", "checkpoints", False), ("diffwave_vocoder", "master", True)):
        w = random_weights(branch, mel=mel); g = torch.Generator().manual_seed(9); x, t = torch.randn(2, 1, 32, generator=g), torch.tensor([3.0, 170.0]); m = torch.randn(2, 5, 2, generator=g) if mel else None; model = Model(w)
        io = {"io.x": x, "io.t": t, "io.eps": model.eps(x.double(), t, None if m is None else m.double()).float()} | ({"io.mel": m} if mel else {})
        noise = torch.randn(5, 2, 1, 32, generator=g); beta = torch.linspace(1e-4, 0.02, 5, dtype=torch.float64); al = 1 - beta; bar = al.cumprod(0); z = x.double()
        for s in range(4, -1, -1):
            z = (z - (1 - al[s]) / (1 - bar[s]).sqrt() * model.eps(z, torch.full((2,), float(s)), None if m is None else m.double())) / al[s].sqrt()
            if s: z = z + (beta[s] * (1 - bar[s - 1]) / (1 - bar[s])).sqrt() * noise[s].double()
        save_file({k: v.contiguous() for k, v in (w | io | {"io.noise": noise, "io.wave": z.float()}).items()}, o.out / f"{name}.safetensors")

if __name__ == "__main__": main()
