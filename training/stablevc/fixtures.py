#!/usr/bin/env python3
"""Write the parity fixture of models/tests/stablevc.rs: a tiny random StableVC with its inputs and outputs, computed in double precision.

    fixtures.py OUT_DIR

Every weight is random, gains, gates, centroids, codebook and spread included, so that a part left out shows. The configuration is the
file's metadata. Under io: what each part makes of random inputs; under io.MASK.KIND.STYLE: the whole chain for a mask (chunk and past in
frames, or none), a kind of content and with or without a style.
"""
import json, math, pathlib, sys
import torch
from safetensors.torch import save_file
from network import StableVc, chunk_mask, level_of

TINY = {
    "bands": 10, "symbols": 7, "frames_per_unit": 2,
    "content": {"channels": 12, "hidden": 14, "kernel": 5, "ahead": [[0, 1, 0, 0], [0, 1, 0, 2]], "features": 6, "clusters": 9},
    "shape": {"bands": 8, "features": 3, "speaker": True},
    "key_channels": 8,
    "speaker": {"channels": 10, "features": 6},
    "style": {"codes": 11, "code_channels": 5, "code_frames": 8, "channels": 8, "hidden": 10, "kernel": 3, "blocks": 2, "pool": 4, "centred": True},
    "module": {"channels": 12, "heads": 2, "hidden": 14, "kernel": 3, "blocks": 2},
    "frame": {"hidden": 14, "kernel": 3, "blocks": 2},
    "flow": {"channels": 16, "heads": 2, "hidden": 18, "kernel": 4, "blocks": 2, "time": 8},
}
MASKS = {"whole": None, "4_4": (4, 4), "8_24": (8, 24), "16_0": (16, 0)}
REGISTER_HZ, STEPS, GUIDANCE = 190.0, 4, 0.7

def randomise(m):
    for name, p in m.named_parameters():
        with torch.no_grad():
            if name.endswith("gain"): p.copy_(1 + 0.3 * torch.randn_like(p))
            elif name.endswith("alpha"): p.copy_(torch.empty_like(p).uniform_(0.5, 1.5))
            elif p.dim() == 1: p.copy_(0.3 * torch.randn_like(p))
            else: p.copy_(torch.randn_like(p) / p[0].numel() ** 0.5)
    m.content.centroids.copy_(torch.randn_like(m.content.centroids)); m.style.codebook.copy_(torch.randn_like(m.style.codebook)); m.spread.uniform_(0.2, 0.8); m.shape.mean.normal_(-5, 1)
    return m.eval()

def main():
    torch.manual_seed(3); torch.set_num_threads(1); torch.set_default_dtype(torch.float64); out = pathlib.Path(sys.argv[1]); out.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        m = randomise(StableVc(TINY)); frames, units = 40, 20; mel = torch.randn(1, TINY["bands"], frames) * 2 - 5; keys = torch.randn(1, 13, TINY["key_channels"]); codes = torch.randint(TINY["style"]["codes"], (1, 5)); noise = torch.randn(1, TINY["bands"], frames)
        f0 = torch.rand(1, frames) * 150 + 120; f0[:, 7:15] = 0; f0[:, 29:32] = 0; register = torch.tensor([math.log(REGISTER_HZ)]); relative = torch.where(f0 > 0, f0.clamp(min=1).log() - register, 0.0); level = level_of(mel); shape = m.shape(mel)
        e = m.content(mel); tokens = m.content.tokens(e); centroids = m.content.centroids[tokens]; speaker = m.speaker(keys); style = m.style(codes)
        io = {"mel": mel[0], "keys": keys[0], "codes": codes[0], "f0": f0[0], "envelopes": torch.cat([level[0][:, None], shape[0]], 1), "noise": noise[0], "register_hz": torch.tensor([REGISTER_HZ]), "features": e[0], "features.shortest": m.content(mel, 0)[0], "tokens": tokens[0], "speaker": speaker[0], "style": style[0]}
        nobody = {"keys": torch.zeros(1, 1, TINY["key_channels"]), "speaker": torch.zeros_like(speaker)}
        for mask_name, mask in MASKS.items():
            frame_mask, unit_mask = (None, None) if mask is None else (chunk_mask(frames, *mask), chunk_mask(units, mask[0] // 2, mask[1] // 2))
            for kind, content in (("features", e), ("tokens", centroids)):
                for styled in (True, False):
                    r = {"keys": keys, "speaker": speaker} | ({"style": style, "styled": torch.ones(1)} if styled else {}); name = f"{mask_name}.{kind}.{'styled' if styled else 'plain'}"
                    hidden = m.hidden(content, r, unit_mask, shape); h, mu = m.condition(hidden, r, relative, (f0 > 0).double(), level, register, shape)
                    io[f"{name}.sample"] = m.sample(mu, h, r, frame_mask, noise, STEPS)[0] * 2.5 - 5
                    if mask_name not in ("whole", "8_24") or kind != "features" or not styled: continue
                    io |= {f"{name}.hidden": hidden[0].T, f"{name}.h": h[0], f"{name}.mean": mu[0], f"{name}.cosine": m.sample(mu, h, r, frame_mask, noise, STEPS, True)[0] * 2.5 - 5}
                    for t in (0.0, 0.35, 1.0): base, scale, y = m.field(noise, torch.tensor([t]), mu, h, r, frame_mask); io[f"{name}.field.{t}"] = (base + scale * y)[0]
                    def guided(x, t): base, scale, y = m.field(x, torch.tensor([t]), mu, h, r, frame_mask); _, _, z = m.field(x, torch.tensor([t]), mu, h, nobody, frame_mask); return base + scale * (y + GUIDANCE * (y - z))
                    x, d = noise, 1 / STEPS
                    for i in range(STEPS): x = x + d * guided(x + d / 2 * guided(x, i * d), i * d + d / 2)
                    io[f"{name}.guided_midpoint"] = x[0] * 2.5 - 5
        alone = torch.unique_consecutive(tokens[0]); r = {"keys": keys, "speaker": speaker, "style": style, "styled": torch.ones(1)}; io["log_durations"] = m.duration(m.hidden(m.content.centroids[alone][None], r, None))[0, :, 0]
        tensors = m.state_dict() | {f"io.{k}": v for k, v in io.items()}
        save_file({k: v.float().contiguous().clone() for k, v in tensors.items()}, out / "stablevc_tiny.safetensors", {"config": json.dumps(TINY)})

if __name__ == "__main__": main()
