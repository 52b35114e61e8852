#!/usr/bin/env python3
"""Write a tiny voice that buzzes: the files of a starter voice, small enough to live among the tests.

    fixture_voice.py OUT

Random weights, except where a test needs to know what comes out: every symbol lasts about four units, every frame is
voiced with an F0 near 150 Hz, and the mel falls off like that of a voice. Always writes the same bytes.
"""
import json, math, pathlib, sys
import torch
from safetensors.torch import save_file
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here / "megatts2"), str(here), str(here / "vocoder")]
from aligner import Aligner
from export import MEL, half
from harmonic_noise import HarmonicNoise
from model import Acoustic, DurationModel, ProsodyLm

CONFIG = {
    "symbols": 178, "bands": 100, "frames_per_unit": 2,
    "content": {"channels": 16, "layers": 1, "heads": 2, "hidden": 24, "kernel": 3},
    "timbre": {"channels": 8, "hidden": 8, "kernel": 3, "strides": [2, 2, 2, 2], "key_channels": 16, "heads": 2, "global_vector": True},
    "prosody": {"bands": 20, "channels": 8, "hidden": 8, "kernel": 3, "blocks": 1, "pool": 8, "codes": 16, "code_channels": 8, "register_hz": 160},
    "decoder": {"channels": 24, "hidden": 24, "kernel": 5, "blocks": 2, "fine_blocks": 1, "fine_kernel": 3, "pitch_heads": True, "register": True},
    "plm": {"channels": 16, "layers": 2, "heads": 2, "hidden": 24, "code_channels": 8},
    "adm": {"channels": 16, "layers": 2, "heads": 2, "hidden": 24},
}
VOCODER = {"channels": 16, "hidden": 16, "kernel": 3, "blocks": 1, "free_phase": False, "max_harmonic_hz": 11000.0}
ALIGNER = {"channels": 8, "hidden": 8, "kernel": 3, "blocks": 1}
VOICES = [{"name": "Buzz", "sex": "female", "accent": "American", "description": "A buzz.", "median_f0_hz": 150.0, "gain_db": 0.0, "prompts": 2},
          {"name": "Hum", "sex": "male", "accent": "British", "description": "Another buzz.", "median_f0_hz": 150.0, "gain_db": -3.0, "prompts": 1}]

@torch.no_grad()
def main():
    out = pathlib.Path(sys.argv[1]); out.mkdir(parents=True, exist_ok=True); torch.manual_seed(1); c = CONFIG["content"]["channels"]
    acoustic = Acoustic(CONFIG); output = acoustic.decoder.output; output.weight.mul_(0.3); band = torch.arange(100) / 100
    output.bias[:100] = (-1.5 - 4.5 * band + 5) / 2.5; output.weight[100:] *= 0.1; output.bias[100] = 5.0; output.bias[101] = 5
    adm = DurationModel(c, **CONFIG["adm"]); adm.output.weight.mul_(0.3); adm.output.bias.fill_(math.log1p(4))
    plm = ProsodyLm(c, CONFIG["prosody"]["codes"], **CONFIG["plm"]); vocoder = HarmonicNoise(**VOCODER); vocoder.head.bias.view(3, -1)[0] = 0.0; vocoder.head.bias.view(3, -1)[2] = -5.0
    save_file(half(acoustic.state_dict(), ("prosody.usage", "prosody.total")), out / "acoustic.safetensors")
    for name, net in (("plm", plm), ("adm", adm), ("vocoder", vocoder)): save_file(half(net.state_dict()), out / f"{name}.safetensors")
    tensors = {}
    for v in VOICES:
        tensors[f"{v['name']}.keys"] = torch.randn(12, CONFIG["timbre"]["key_channels"]).half()
        tensors[f"{v['name']}.register"] = torch.tensor([math.log(150)]).half()
        for i in range(v["prompts"]):
            symbols = torch.tensor([0, 50, 83, 54, 156, 57, 4, 0]); units = torch.randint(2, 9, (len(symbols),))
            tensors |= {f"{v['name']}.prompt.{i}.symbols": symbols.to(torch.uint8), f"{v['name']}.prompt.{i}.units": units.to(torch.uint8), f"{v['name']}.prompt.{i}.codes": torch.randint(0, 16, (-(-2 * int(units.sum()) // 8),), dtype=torch.int32)}
    torch.manual_seed(2); save_file(half(Aligner(**ALIGNER).state_dict()), out / "aligner.safetensors")
    save_file(tensors, out / "voices.safetensors"); json.dump(VOICES, open(out / "voices.json", "w"), indent=1)
    json.dump({"format": "syrinx-starter-voice", "version": 1, "acoustic": CONFIG, "vocoder": {"mel": MEL} | VOCODER, "aligner": ALIGNER}, open(out / "config.json", "w"), indent=1)

if __name__ == "__main__": main()
