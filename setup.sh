#!/bin/sh
# Installs what Cargo cannot: a C linker, pkg-config and the ALSA headers (for playing through the
# sound card). Debian and Ubuntu; does nothing where they are there already. With --tests also a
# PulseAudio server, with which the tests play and record where there is no sound card.
set -eu

packages=""
if ! command -v cc >/dev/null || ! pkg-config --exists alsa 2>/dev/null; then
    packages="gcc libc6-dev pkg-config libasound2-dev"
fi
if [ "${1:-}" = --tests ] && ! command -v pulseaudio >/dev/null; then
    packages="$packages pulseaudio pulseaudio-utils libasound2-plugins"
fi
if [ -z "$packages" ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "setup.sh knows Debian and Ubuntu only. Elsewhere install a C linker, pkg-config and the" \
        "ALSA headers (alsa-lib-devel, alsa-lib-dev), or build without playback:" \
        "cargo build --release --no-default-features --features starter-voice" >&2
    exit 1
fi
root=""
if [ "$(id -u)" -ne 0 ]; then
    root="sudo"
fi
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -q
$root apt-get install -q -y --no-install-recommends $packages
