//! The presets of live conversion with the weights that ship.
#![cfg(feature = "starter-convert")]

use syrinx::Engine;
use syrinx::live::{Changer, Preset};

/// Samples of a piece: 1 ms.
const PIECE: usize = 24;

#[test]
fn no_sample_waits_longer_than_is_said() {
    let engine = Engine::new().unwrap();
    let voice = engine.voice("merlin").unwrap();
    let request = engine.conversion(&voice).unwrap();
    let buzz = |at: usize| 0.3 * ((at as f32 * 150.0 / 24_000.0).fract() - 0.5);
    let samples: Vec<f32> = (0..3 * 24_000).map(buzz).collect();
    for (preset, most_ms) in Preset::ALL.into_iter().zip([140.0, 230.0, 640.0]) {
        let mut changer = preset.changer(&request, 1).unwrap();
        let (mut ready, mut pushed, mut longest) = (Vec::new(), 0, 0);
        for piece in samples.chunks(PIECE) {
            changer.push(piece, &mut ready).unwrap();
            pushed += piece.len();
            // At first everything waits until enough is known of the speaker.
            if pushed > 24_000 {
                longest = longest.max(pushed - ready.len());
            }
        }
        changer.flush(&mut ready).unwrap();
        assert_eq!(ready.len(), samples.len());
        let said = changer.latency_samples();
        assert!(
            (said - 2 * PIECE..said).contains(&longest),
            "{preset}: {longest}, {said} said"
        );
        let ms = said as f64 / 24.0;
        assert!(ms <= most_ms, "{preset}: {ms} ms");
    }
}
