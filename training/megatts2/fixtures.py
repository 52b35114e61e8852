#!/usr/bin/env python3
"""Write the parity fixtures of models/tests: tiny random networks with their inputs and outputs.

    fixtures.py OUT_DIR

Beside the networks of the model: single layers, and an aligner with what its search finds. Weights are random throughout, gains, biases and codebooks included, so that a part left out shows. Two sizes: one with
every option of the starter model, one with those of the paper. The configuration is the file's metadata.
"""
import json, math, pathlib, sys
import torch
from safetensors.torch import save_file
from aligner import Aligner, align
from model import Acoustic, DurationModel, ProsodyLm, expand, pool_content
from blocks import CausalBlock, ConvBlock, CrossAttention, FftBlock

STARTER_LIKE = {
    "symbols": 12, "bands": 10, "frames_per_unit": 2,
    "content": {"channels": 16, "layers": 2, "heads": 2, "hidden": 24, "kernel": 3},
    "timbre": {"channels": 12, "hidden": 14, "kernel": 3, "strides": [2, 2, 2, 2], "key_channels": 8, "heads": 2, "global_vector": True},
    "prosody": {"bands": 4, "channels": 10, "hidden": 12, "kernel": 3, "blocks": 1, "pool": 8, "codes": 16, "code_channels": 6, "register_hz": 160},
    "decoder": {"channels": 16, "hidden": 20, "kernel": 5, "blocks": 2, "fine_blocks": 1, "fine_kernel": 3, "pitch_heads": True, "register": True},
    "plm": {"channels": 12, "layers": 2, "heads": 3, "hidden": 20, "code_channels": 6},
    "adm": {"channels": 12, "layers": 2, "heads": 3, "hidden": 16},
}
PAPER_LIKE = {
    "symbols": 12, "bands": 8, "frames_per_unit": 1,
    "content": {"channels": 12, "layers": 1, "heads": 2, "hidden": 16, "kernel": 5},
    "timbre": {"channels": 12, "hidden": 14, "kernel": 3, "strides": [1, 16, 1], "key_channels": 8, "heads": 1, "global_vector": False},
    "prosody": {"bands": 4, "channels": 8, "hidden": 8, "kernel": 5, "blocks": 2, "pool": 8, "codes": 16, "code_channels": 6},
    "decoder": {"channels": 12, "hidden": 12, "kernel": 5, "blocks": 2, "fine_blocks": 0, "fine_kernel": 5, "pitch_heads": False},
    "plm": {"channels": 16, "layers": 1, "heads": 2, "hidden": 24, "code_channels": 8},
    "adm": {"channels": 16, "layers": 1, "heads": 2, "hidden": 24},
}

def randomise(module):
    """Random weights of a size that keeps outputs O(1): gains around one, the rest small."""
    for name, p in module.named_parameters():
        with torch.no_grad():
            if name.endswith("gain"): p.copy_(1 + 0.3 * torch.randn_like(p))
            elif p.dim() == 1: p.copy_(0.3 * torch.randn_like(p))
            else: p.copy_(torch.randn_like(p) / p[0].numel() ** 0.5)
    return module.eval()

def network(c):
    """One file: the three networks under acoustic., plm., adm. and what they make of random inputs under io."""
    acoustic, ch = randomise(Acoustic(c)), c["content"]["channels"]
    acoustic.prosody.codebook.copy_(torch.randn_like(acoustic.prosody.codebook))
    plm = randomise(ProsodyLm(ch, c["prosody"]["codes"], **c["plm"])); adm = randomise(DurationModel(ch, **c["adm"]))
    tensors = {f"{prefix}.{k}": v for prefix, m in (("acoustic", acoustic), ("plm", plm), ("adm", adm))
               for k, v in m.state_dict().items() if not k.endswith(("usage", "total"))}
    n = 9; ids = torch.randint(c["symbols"], (n,)); units = torch.tensor([3, 1, 2, 5, 20, 1, 4, 2, 3])
    # the content encoder sees the sentence padded in a batch, as in training
    padded = torch.cat([ids, torch.zeros(4, dtype=torch.long)]); content = acoustic.content(padded[None], (torch.arange(n + 4) < n)[None])[:, :n]
    references = [torch.randn(c["bands"], t) * 2 - 5 for t in (37, 64)]
    keys = torch.cat([acoustic.keys(r[None], torch.tensor([r.shape[1]]))[0] for r in references], 1); g = keys.mean(1)
    index, position = expand(units); frames = len(index) * c["frames_per_unit"]; mel = torch.randn(c["bands"], frames) * 2 - 5
    # the prosody encoder sees the mel padded in a batch, as in training
    _, codes, code_mask, _ = acoustic.prosody(torch.cat([mel, torch.zeros(c["bands"], 24)], 1)[None], torch.tensor([frames])); codes = codes[0][code_mask[0]]
    out, f0, voicing = acoustic.decode(content, keys, None, g, index[None], position[None], torch.ones(1, len(index), dtype=torch.bool), acoustic.prosody.codebook[codes][None], torch.tensor([math.log(210.0)]))
    r = c["prosody"]["pool"] // c["frames_per_unit"]; pooled = pool_content(content[0], index, r)
    # P-LLM: a row of two sentences, the first without text
    k = c["prosody"]["codes"]; first = torch.randint(k, (5,)); bos = torch.tensor([k])
    row = torch.cat([plm.null_content.expand(5, -1), plm.end_content[None], pooled, plm.end_content[None]]); previous = torch.cat([bos, first, bos, codes])
    logits = plm(row[None], previous[None])[0]
    # ADM: the same, at the rate of symbols
    before = torch.tensor([2, 7, 1, 1]); log = torch.log1p(torch.cat([before, units]).float())
    feed = torch.stack([torch.roll(log, 1), torch.zeros(len(log))], 1); feed[0] = feed[4] = torch.tensor([0.0, 1.0])
    durations = adm(torch.cat([adm.null_content.expand(4, -1), content[0]])[None], feed[None])[0]
    io = {"ids": ids, "units": units, "content": content[0], "reference0": references[0], "reference1": references[1], "keys": keys[0], "global": g[0],
          "mel": mel, "codes": codes, "output_mel": out[0], "pooled": pooled, "prompt_codes": first, "plm_logits": logits, "prompt_units": before, "adm_log_units": durations}
    if f0 is not None: io |= {"output_f0": f0[0], "output_voicing": voicing[0]}
    return tensors | {f"io.{k}": v.float() for k, v in io.items()}

def aligner():
    """One file: the aligner, posteriors of a mel of odd length, and symbols laid over it, pauses of several kinds among them."""
    config = {"channels": 8, "hidden": 12, "kernel": 3, "blocks": 2}; m = randomise(Aligner(**config)); m.prior.copy_((2 * torch.randn_like(m.prior)).softmax(0))
    mel = torch.randn(1, 100, 61) * 2 - 5; ids = torch.tensor([0, 50, 83, 54, 3, 16, 156, 57, 4, 0]); p = m.posteriors(mel)[0]; units, score = align(p, m.prior, ids)
    io = {"mel": mel[0], "posteriors": p, "ids": ids, "units": units, "score": torch.tensor([score])}
    return m.state_dict() | {f"io.{k}": v.float() for k, v in io.items()}, {"config": json.dumps(config)}

def layers():
    """One file: single layers under their names, inputs and outputs beside them."""
    t = {}
    def put(name, module, **io): t.update({f"{name}.{k}": v for k, v in module.state_dict().items()} | {f"{name}.{k}": v for k, v in io.items()})
    x = torch.randn(1, 7, 12); m = randomise(FftBlock(12, 2, 18, 3)); put("fft", m, x=x[0], y=m(x, torch.ones(1, 7, dtype=torch.bool))[0])
    x = torch.randn(1, 9, 12); m = randomise(CausalBlock(12, 3, 18)); put("causal", m, x=x[0], y=m(x)[0])
    x, keys = torch.randn(1, 5, 12), torch.randn(1, 11, 7); m = randomise(CrossAttention(12, 7, 2)); put("cross", m, x=x[0], keys=keys[0], y=m(x, keys)[0])
    x, scale, shift = torch.randn(2, 8, 13), torch.randn(2, 8), torch.randn(2, 8); m = randomise(ConvBlock(8, 10, 5))
    put("conv", m, x=x, scale=scale, shift=shift, y=m(x), y_film=m(x, (scale, shift)))
    return t

def main():
    torch.manual_seed(1); torch.set_num_threads(1); out = pathlib.Path(sys.argv[1]); out.mkdir(parents=True, exist_ok=True)
    def write(name, tensors, metadata=None): save_file({k: v.contiguous().clone() for k, v in tensors.items()}, out / f"{name}.safetensors", metadata)
    with torch.no_grad():
        write("layers", layers())
        for name, config in (("megatts2_tiny", STARTER_LIKE), ("megatts2_tiny_paper", PAPER_LIKE)): write(name, network(config), {"config": json.dumps(config)})
        write("aligner_tiny", *aligner())

if __name__ == "__main__": main()
