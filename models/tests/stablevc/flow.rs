//! Solvers and grids against closed forms: without a network, the field carries N(0, 1) to N(mean, spread²).

use candle_core::Tensor;
use syrinx_models::stablevc::{Condition, Grid, Settings, Solver, Target};

use crate::{Fixture, assert_close, distance, flat};

struct Gaussian {
    fixture: Fixture,
    target: Target,
    condition: Condition,
    noise: Tensor,
    spread: Tensor,
}

impl Gaussian {
    fn new() -> Self {
        let fixture = Fixture::edited(|name, tensor| {
            (name.starts_with("output.")).then(|| tensor.zeros_like().unwrap())
        });
        let target = fixture.target(false);
        let hidden = fixture
            .model
            .hidden(&fixture.tensor("features"), None, &target, None)
            .unwrap();
        let (f0, envelopes) = (fixture.values("f0"), fixture.values("envelopes"));
        let condition = fixture
            .model
            .condition(&hidden, &f0, &envelopes, &target)
            .unwrap();
        let noise = fixture.tensor("noise").unsqueeze(0).unwrap();
        let spread = fixture
            .checkpoint
            .tensor("spread", noise.device())
            .unwrap()
            .reshape((1, (), 1))
            .unwrap();
        Self {
            target,
            condition,
            noise,
            spread,
            fixture,
        }
    }

    /// On the scale of the networks.
    fn sample(&self, settings: &Settings) -> Tensor {
        let mel =
            self.fixture
                .model
                .sample(&self.noise, &self.condition, &self.target, settings, None);
        ((mel.unwrap() + 5.0).unwrap() / 2.5).unwrap()
    }

    fn mean(&self) -> &Tensor {
        self.condition.mean.as_ref().unwrap()
    }

    /// Where the flow ends: mean + spread · noise.
    fn end(&self) -> Tensor {
        (self.mean() + self.noise.broadcast_mul(&self.spread).unwrap()).unwrap()
    }
}

fn settings(steps: usize, solver: Solver, grid: Grid) -> Settings {
    Settings {
        steps,
        solver,
        grid,
        ..Settings::default()
    }
}

#[test]
fn every_solver_and_grid_ends_where_the_flow_ends() {
    let gaussian = Gaussian::new();
    let end = gaussian.end();
    for grid in [
        Grid::Uniform,
        Grid::Cosine,
        Grid::Sway(0.8),
        Grid::Sway(-1.0),
    ] {
        let of = |steps, solver| distance(&gaussian.sample(&settings(steps, solver, grid)), &end);
        let (coarse, fine) = (of(16, Solver::Euler), of(256, Solver::Euler));
        assert!(
            fine < 0.03 && fine < coarse / 4.0,
            "{grid:?}: {coarse} {fine}"
        );
        let second = of(64, Solver::Midpoint);
        assert!(
            second < 0.01 && second < of(128, Solver::Euler),
            "{grid:?}: {second}"
        );
    }
}

/// The field of one number, as the paper-independent formula gives it.
fn field(x: f64, t: f64, mean: f64, spread: f64) -> f64 {
    let variance = (t * spread).powi(2) + (1.0 - t).powi(2) + 1e-8;
    mean + (t * spread * spread - (1.0 - t)) / variance * (x - t * mean)
}

#[test]
fn steps_are_those_of_the_formulas() {
    let gaussian = Gaussian::new();
    let (frames, half_turn) = (gaussian.noise.dims()[2], std::f64::consts::FRAC_PI_2);
    let (noise, mean) = (flat(&gaussian.noise), flat(gaussian.mean()));
    let spread = flat(&gaussian.spread);
    for (grid, solver) in [
        (Grid::Uniform, Solver::Euler),
        (Grid::Cosine, Solver::Euler),
        (Grid::Sway(-0.4), Solver::Midpoint),
    ] {
        let time = |i: usize| {
            let u = i as f64 / 3.0;
            match grid {
                Grid::Cosine => 1.0 - (u * half_turn).cos(),
                Grid::Sway(s) => u + s * ((u * half_turn).cos() - 1.0 + u),
                _ => u,
            }
        };
        let expected: Vec<f32> = (0..noise.len())
            .map(|i| {
                let (mean, spread) = (f64::from(mean[i]), f64::from(spread[i / frames]));
                let mut x = f64::from(noise[i]);
                for step in 0..3 {
                    let (t, d) = (time(step), time(step + 1) - time(step));
                    let first = field(x, t, mean, spread);
                    x += d * match solver {
                        Solver::Midpoint => field(x + d / 2.0 * first, t + d / 2.0, mean, spread),
                        _ => first,
                    };
                }
                x as f32
            })
            .collect();
        let expected = Tensor::from_vec(expected, gaussian.noise.shape(), gaussian.noise.device());
        let ours = gaussian.sample(&settings(3, solver, grid));
        assert_close(&ours, &expected.unwrap(), 1e-4, &format!("{grid:?}"));
    }
}

#[test]
fn sway_at_its_lowest_is_the_cosine_grid() {
    let gaussian = Gaussian::new();
    let of = |grid| gaussian.sample(&settings(5, Solver::Euler, grid));
    assert_close(&of(Grid::Sway(-1.0)), &of(Grid::Cosine), 1e-5, "sway");
    assert_close(&of(Grid::Sway(0.0)), &of(Grid::Uniform), 1e-5, "sway");
}

#[test]
fn guidance_of_a_silent_network_changes_nothing() {
    let gaussian = Gaussian::new();
    let plain = settings(3, Solver::Euler, Grid::Uniform);
    let guided = Settings {
        guidance: 2.0,
        ..plain.clone()
    };
    assert_eq!(
        flat(&gaussian.sample(&plain)),
        flat(&gaussian.sample(&guided))
    );
}
