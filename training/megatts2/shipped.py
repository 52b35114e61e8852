"""The networks of a folder of weights as export.py writes it, for going on training and for judging what is shipped.

    shipped = load("weights/starter-voice")
    shipped.acoustic, shipped.plm, shipped.adm, shipped.vocoder, shipped.aligner  # the last is None in a folder without one

Weights are stored in half precision and computed in single. The running counts of the codebook's average are not shipped:
they start again from one use a code, so that training may go on.
"""
import json, pathlib, sys
from dataclasses import dataclass
import torch, torch.nn as nn
from safetensors.torch import load_file
here = pathlib.Path(__file__).parent; sys.path[:0] = [str(here), str(here.parent), str(here.parent / "vocoder")]
from harmonic_noise import HarmonicNoise
from model import Acoustic, DurationModel, ProsodyLm

@dataclass
class Shipped:
    """Networks in evaluation mode, with the configuration they were built from."""
    config: dict
    acoustic: Acoustic
    plm: ProsodyLm
    adm: DurationModel
    vocoder: HarmonicNoise
    aligner: nn.Module | None

def read(path): return {k: v.float() if v.is_floating_point() else v for k, v in load_file(path).items()}

def fill(net, tensors, path, absent=()):
    """Loads `tensors` into `net`; only those named in `absent` may be missing, none may be left over."""
    missing, left = net.load_state_dict(tensors, strict=False); missing = [k for k in missing if k not in absent]
    if missing or left: raise ValueError(f"{path}: does not belong to its config.json: without {missing[:3]}, with {left[:3]}")
    return net.eval()

def load(folder):
    """folder: config.json and acoustic, plm, adm, vocoder (and, if the configuration says so, aligner).safetensors."""
    d = pathlib.Path(folder); config = json.load(open(d / "config.json")); c = config["acoustic"]; channels = c["content"]["channels"]
    acoustic = fill(Acoustic(c), read(d / "acoustic.safetensors"), d / "acoustic.safetensors", ("prosody.usage", "prosody.total")); p = acoustic.prosody; p.usage.fill_(1.0); p.total.copy_(p.codebook)
    def net(name, module): return fill(module, read(d / f"{name}.safetensors"), d / f"{name}.safetensors")
    return Shipped(config, acoustic, net("plm", ProsodyLm(channels, c["prosody"]["codes"], **c["plm"])), net("adm", DurationModel(channels, **c["adm"])),
                   net("vocoder", HarmonicNoise(**{k: v for k, v in config["vocoder"].items() if k != "mel"})),
                   net("aligner", aligner_of(config["aligner"])) if "aligner" in config else None)

def aligner_of(sizes):
    from aligner import Aligner
    return Aligner(**{k: sizes[k] for k in ("channels", "hidden", "kernel", "blocks")})

def prosody_state(shipped):
    """P-LLM and ADM as the `average` of a state of train_prosody.py."""
    return nn.ModuleDict({"plm": shipped.plm, "adm": shipped.adm}).state_dict()
