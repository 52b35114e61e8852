//! Every part, and the whole, against PyTorch.

use candle_core::Tensor;
use syrinx_models::stablevc::{Chunks, Condition, ContentKind, Grid, Settings, Solver, Target};

use crate::{Fixture, assert_close};

/// Close to what double precision gives.
const TOLERANCE: f32 = 2e-4;

/// The masks of the fixture: chunk and past in frames.
const MASKS: [(&str, Option<(usize, usize)>); 4] = [
    ("whole", None),
    ("4_4", Some((4, 4))),
    ("8_24", Some((8, 24))),
    ("16_0", Some((16, 0))),
];

fn masks(mask: Option<(usize, usize)>) -> (Option<Chunks>, Option<Chunks>) {
    let chunks = |(chunk, past), rate| Chunks {
        chunk: chunk / rate,
        past: past / rate,
    };
    (mask.map(|m| chunks(m, 2)), mask.map(|m| chunks(m, 1)))
}

/// Four uniform Euler steps.
fn settings() -> Settings {
    Settings {
        steps: 4,
        ..Settings::default()
    }
}

impl Fixture {
    fn content(&self, kind: ContentKind) -> Tensor {
        let content = self.model.content().unwrap();
        let features = content.features(&self.tensor("mel")).unwrap();
        match kind {
            ContentKind::Tokens => {
                let clusters = self.model.clusters();
                let tokens = clusters.tokens(&features).unwrap();
                clusters.centroids(&tokens).unwrap()
            }
            _ => features,
        }
    }

    fn hidden(&self, kind: ContentKind, target: &Target, units: Option<Chunks>) -> Tensor {
        self.model
            .hidden(
                &self.content(kind),
                Some(&self.values("envelopes")),
                target,
                units,
            )
            .unwrap()
    }

    fn condition(&self, hidden: &Tensor, target: &Target) -> Condition {
        let (f0, envelopes) = (self.values("f0"), self.values("envelopes"));
        self.model
            .condition(hidden, &f0, &envelopes, target)
            .unwrap()
    }

    fn noise(&self) -> Tensor {
        self.tensor("noise").unsqueeze(0).unwrap()
    }
}

#[test]
fn content_features_and_tokens() {
    let fixture = Fixture::new();
    let features = fixture.content(ContentKind::Features);
    assert_close(&features, &fixture.tensor("features"), 1e-5, "features");
    let tokens = fixture.model.clusters().tokens(&features).unwrap();
    assert_eq!(tokens, fixture.numbers("tokens"));
}

#[test]
fn speaker_and_style() {
    let fixture = Fixture::new();
    let speaker = fixture.model.speaker(&fixture.tensor("keys")).unwrap();
    assert_close(&speaker, &fixture.tensor("speaker"), 1e-5, "speaker");
    let style = fixture.model.style(&fixture.numbers("codes")).unwrap();
    assert_eq!(style.dims(), fixture.tensor("style").dims());
    assert_close(&style, &fixture.tensor("style"), 1e-5, "style");
}

#[test]
fn level_and_shape() {
    let fixture = Fixture::new();
    let mel = fixture.tensor("mel").unsqueeze(0).unwrap();
    let (ours, theirs) = (
        fixture.model.envelopes(&mel).unwrap(),
        fixture.values("envelopes"),
    );
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn hidden_condition_and_field() {
    let fixture = Fixture::new();
    let target = fixture.target(true);
    for (mask, sizes) in [MASKS[0], MASKS[2]] {
        let name = |part: &str| format!("{mask}.features.styled.{part}");
        let check = |ours: &Tensor, part: &str| {
            assert_close(ours, &fixture.tensor(&name(part)), TOLERANCE, &name(part));
        };
        let (units, frames) = masks(sizes);
        let hidden = fixture.hidden(ContentKind::Features, &target, units);
        check(&hidden, "hidden");
        let condition = fixture.condition(&hidden, &target);
        check(&condition.h, "h");
        check(condition.mean.as_ref().unwrap(), "mean");
        for t in ["0.0", "0.35", "1.0"] {
            let time = t.parse().unwrap();
            let field = fixture
                .model
                .field(&fixture.noise(), time, &condition, &target, frames);
            check(&field.unwrap(), &format!("field.{t}"));
        }
    }
}

#[test]
fn samples_of_every_mask_content_and_style() {
    let fixture = Fixture::new();
    for (mask, sizes) in MASKS {
        let (units, frames) = masks(sizes);
        for (kind, content) in [
            ("features", ContentKind::Features),
            ("tokens", ContentKind::Tokens),
        ] {
            for (styled, style) in [("styled", true), ("plain", false)] {
                let target = fixture.target(style);
                let hidden = fixture.hidden(content, &target, units);
                let condition = fixture.condition(&hidden, &target);
                let mel = fixture
                    .model
                    .sample(&fixture.noise(), &condition, &target, &settings(), frames)
                    .unwrap();
                let name = format!("{mask}.{kind}.{styled}.sample");
                assert_close(&mel, &fixture.tensor(&name), TOLERANCE, &name);
            }
        }
    }
}

#[test]
fn cosine_grid_midpoint_and_guidance() {
    let fixture = Fixture::new();
    let target = fixture.target(true);
    let cosine = Settings {
        grid: Grid::Cosine,
        ..settings()
    };
    let guided = Settings {
        solver: Solver::Midpoint,
        guidance: 0.7,
        ..settings()
    };
    for (mask, sizes) in [MASKS[0], MASKS[2]] {
        let (units, frames) = masks(sizes);
        let hidden = fixture.hidden(ContentKind::Features, &target, units);
        let condition = fixture.condition(&hidden, &target);
        for (part, settings) in [("cosine", &cosine), ("guided_midpoint", &guided)] {
            let mel = fixture
                .model
                .sample(&fixture.noise(), &condition, &target, settings, frames)
                .unwrap();
            let name = format!("{mask}.features.styled.{part}");
            assert_close(&mel, &fixture.tensor(&name), TOLERANCE, &name);
        }
    }
}

#[test]
fn durations() {
    let fixture = Fixture::new();
    let (tokens, _) = syrinx_models::stablevc::dedup(&fixture.numbers("tokens"));
    let content = fixture.model.clusters().centroids(&tokens).unwrap();
    let target = fixture.target(true);
    let hidden = fixture.model.hidden(&content, None, &target, None).unwrap();
    let ours = fixture.model.log_run_lengths(&hidden).unwrap();
    let theirs = fixture.values("log_durations");
    assert_eq!(ours.len(), theirs.len());
    for (a, b) in ours.iter().zip(theirs) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}
