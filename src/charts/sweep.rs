//! The total against the batch size, both axes logarithmic.

use leptos::prelude::*;
use nn_memory::{Bytes, Engine, Estimate, Scenario, SweepPoint, UnitSystem, format_count};

use super::Chart;
use super::picture::{Align, Area, FONT_SIZE, Hit, Ink, Measure, Picture, Shape};
use crate::described;
use crate::page::Page;
use crate::reactive::text;
use crate::results::device_name;

/// The total against the batch size.
pub fn sweep(page: Page) -> Chart {
    let Page { outcome, system, .. } = page;
    let sweep = Memo::new(move |last| {
        outcome.with(|outcome| Sweep::of(described::engine(), &outcome.scenario, &outcome.estimate, last))
    });
    Chart {
        slug: "sweep",
        title: text(move || sweep.with(|sweep| sweep.title(system.get()))),
        description: text(move || sweep.with(|sweep| sweep.description(system.get()))),
        layout: Box::new(move |area, measure| {
            sweep.with_untracked(|sweep| sweep.layout(system.get_untracked(), area, measure))
        }),
    }
}

const AXIS_HEIGHT: f64 = 26.0;
const TOP: f64 = 14.0;
const LAST_POWER: u32 = 10;

/// What the chart rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    scenario: Scenario,
    points: Vec<(u64, Bytes)>,
    usable: Bytes,
    largest: Option<u64>,
}

impl Sweep {
    /// Totals at batch 1, 2, 4 … 1,024, at the current batch and, if that is larger, on to the next power of two.
    ///
    /// What the last sweep knows is not worked out again where only the batch size differs.
    pub fn of(engine: &Engine, scenario: &Scenario, estimate: &Estimate, last: Option<&Self>) -> Self {
        let current = scenario.batch_size;
        let same = |last: &Scenario| Scenario { batch_size: current, ..last.clone() } == *scenario;
        let last_sweep = last.filter(|last| same(&last.scenario));
        let mut known = vec![(current, estimate.total)];
        known.extend(last_sweep.into_iter().flat_map(|sweep| sweep.points.iter().copied()));
        let last = LAST_POWER.max(current.next_power_of_two().ilog2());
        let mut batches: Vec<u64> = (0..=last).map(|power| 1 << power).collect();
        if let Err(place) = batches.binary_search(&current) {
            batches.insert(place, current);
        }
        let at = |points: &[(u64, Bytes)], batch| points.iter().find(|point| point.0 == batch).copied();
        let unknown: Vec<u64> = batches.iter().copied().filter(|batch| at(&known, *batch).is_none()).collect();
        let found = engine.sweep_batch(scenario, unknown).into_iter();
        known.extend(found.filter_map(|SweepPoint { batch_size, total }| Some((batch_size, total.ok()?))));
        Self {
            scenario: scenario.clone(),
            points: batches.into_iter().filter_map(|batch| at(&known, batch)).collect(),
            usable: estimate.fit.usable,
            largest: last_sweep.map_or_else(|| engine.largest_batch_that_fits(scenario), |sweep| sweep.largest),
        }
    }

    fn current(&self) -> Option<&(u64, Bytes)> {
        self.points.iter().find(|point| point.0 == self.scenario.batch_size)
    }

    /// What the chart shows, as its title.
    pub fn title(&self, system: UnitSystem) -> String {
        let device_name = device_name(&self.scenario, system);
        match self.largest {
            Some(batch) if batch >= LARGEST_NAMED => format!("Any batch fits {device_name}"),
            Some(batch) => format!("Batch {} is the largest that fits {device_name}", format_count(batch)),
            None => format!("No batch fits {device_name}"),
        }
    }

    /// The figures of the chart in words.
    pub fn description(&self, system: UnitSystem) -> String {
        let named = [self.points.first(), self.current(), self.points.last()];
        let mut texts: Vec<_> = named.into_iter().flatten().map(|point| self.read_out(*point, system)()).collect();
        texts.dedup();
        format!("Total against batch size. {}. {}.", self.title(system), texts.join("; "))
    }

    fn read_out(&self, (batch, total): (u64, Bytes), system: UnitSystem) -> impl Fn() -> String + use<> {
        let (usable, fits) = (self.usable, self.largest.is_some_and(|largest| batch <= largest));
        move || {
            let verdict = if total > usable {
                format!("{} more than is usable", total.saturating_sub(usable).display(system))
            } else {
                if fits { "fits" } else { "tight" }.to_owned()
            };
            format!("batch {}: {}, {verdict}", format_count(batch), total.display(system))
        }
    }

    /// Lays the chart out.
    pub fn layout(&self, system: UnitSystem, area: Area, measure: Measure) -> Picture {
        let mut picture = Picture::default();
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else {
            return picture;
        };
        let scale = Scale::new(self, area, system, measure);
        for &tick in &scale.ticks {
            let height = scale.y(tick);
            picture.shapes.push(Shape::Line(vec![(scale.left, height), (scale.right, height)], Ink::Grid, 1.0));
            let label = tick_label(tick, system);
            picture.shapes.push(Shape::Text(label, (scale.left - 8.0, height), Align::Right, Ink::Muted));
        }
        self.batch_axis(&mut picture, &scale, last.0, measure);
        if scale.contains(self.usable) {
            let height = scale.y(self.usable.get() as f64);
            picture.shapes.push(Shape::Line(vec![(scale.left, height), (scale.right, height)], Ink::Limit, 2.0));
            let label = device_name(&self.scenario, system);
            let above = height - FONT_SIZE / 2.0 - 4.0;
            picture.shapes.push(Shape::Text(label, (scale.left + 4.0, above), Align::Left, Ink::Limit));
        }
        let line = self.points.iter().map(|&(batch, total)| (scale.x(batch), scale.y(total.get() as f64))).collect();
        picture.shapes.push(Shape::Line(line, Ink::Accent, 2.0));
        if let Some(&(batch, total)) = self.current() {
            let at = (scale.x(batch), scale.y(total.get() as f64));
            picture.shapes.push(Shape::Line(vec![at, (at.0, scale.bottom)], Ink::Accent, 1.0));
            picture.shapes.push(Shape::Dot(at, 5.0, Ink::Accent));
        }
        let half = (scale.x(first.0 * 2) - scale.x(first.0)) / 2.0;
        for &point in &self.points {
            let marker = scale.x(point.0);
            let text = Box::new(self.read_out(point, system));
            picture.hits.push(Hit { left: marker - half, right: marker + half, marker, text });
        }
        picture
    }

    fn batch_axis(&self, picture: &mut Picture, scale: &Scale, last: u64, measure: Measure) {
        let height = scale.bottom + AXIS_HEIGHT / 2.0 + 2.0;
        let name = (scale.left - 14.0, height);
        picture.shapes.push(Shape::Text("batch".to_owned(), name, Align::Right, Ink::Muted));
        let mut free_from = scale.left - FONT_SIZE;
        let mut place = |batch: u64, ink: Ink, needed: bool| {
            let label = format_count(batch);
            let half = measure(&label) / 2.0;
            let at = scale.x(batch);
            if needed || at - half >= free_from {
                let center = at.clamp(half, (scale.right + FONT_SIZE - half).max(half));
                picture.shapes.push(Shape::Text(label, (center, height), Align::Center, ink));
                free_from = at + half + FONT_SIZE;
            }
        };
        let current = self.scenario.batch_size;
        let half_current = measure(&format_count(current)) / 2.0;
        let mut batch = 1;
        while batch <= last {
            let clear = batch == current || {
                let distance = (scale.x(batch) - scale.x(current)).abs();
                distance > half_current + measure(&format_count(batch)) / 2.0 + FONT_SIZE / 2.0
            };
            if clear && batch != current {
                place(batch, Ink::Muted, false);
            }
            if batch <= current && current < batch * 2 {
                place(current, Ink::Accent, true);
            }
            batch *= 2;
        }
    }
}

/// From here on a largest batch is the limit of the input, not of the device.
const LARGEST_NAMED: u64 = 1_000_000_000;

struct Scale {
    left: f64,
    right: f64,
    bottom: f64,
    last_batch: f64,
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Scale {
    fn new(sweep: &Sweep, area: Area, system: UnitSystem, measure: Measure) -> Self {
        let totals = sweep.points.iter().map(|point| point.1);
        let least = totals.clone().min().unwrap_or_default().get().max(1);
        let most = totals.max().unwrap_or_default().get().max(1);
        // The limit is shown where it does not flatten the line: within a factor of 64 of the totals.
        let usable = sweep.usable.get();
        let most = if usable / 64 <= most { most.max(usable) } else { most };
        let least = if usable.saturating_mul(64) >= least { least.min(usable).max(1) } else { least };
        let (ticks, low, high) = ticks(least, most, system);
        let widest = ticks.iter().map(|&tick| measure(&tick_label(tick, system))).fold(0.0, f64::max);
        Self {
            left: widest + 12.0,
            right: area.width - FONT_SIZE,
            bottom: area.height - AXIS_HEIGHT,
            last_batch: sweep.points.last().map_or(2, |point| point.0.max(2)) as f64,
            low,
            high,
            ticks,
        }
    }

    fn x(&self, batch: u64) -> f64 {
        self.left + (batch as f64).log2() / self.last_batch.log2() * (self.right - self.left)
    }

    fn y(&self, bytes: f64) -> f64 {
        let share = (bytes.max(1.0) / self.low).log2() / (self.high / self.low).log2();
        self.bottom - share * (self.bottom - TOP)
    }

    fn contains(&self, bytes: Bytes) -> bool {
        (self.low..=self.high).contains(&(bytes.get() as f64))
    }
}

/// Round ticks from the one at or below `least` to the one at or above `most`, six at the most: powers of 2, 4, 8 … of a
/// binary unit, 1-2-5 steps or powers of ten of a decimal one.
fn ticks(least: u64, most: u64, system: UnitSystem) -> (Vec<f64>, f64, f64) {
    let (least, most) = (least as f64, most as f64);
    let steps: &[fn(i32) -> f64] = match system {
        UnitSystem::Binary => &[
            |step| 2_f64.powi(step),
            |step| 4_f64.powi(step),
            |step| 32_f64.powi(step),
            |step| 1024_f64.powi(step),
            |step| 1_048_576_f64.powi(step),
        ],
        UnitSystem::Decimal => &[
            |step| [1.0, 2.0, 5.0][usize::try_from(step.rem_euclid(3)).unwrap_or(0)] * 10_f64.powi(step.div_euclid(3)),
            |step| 10_f64.powi(step),
            |step| 1000_f64.powi(step),
            |step| 1_000_000_f64.powi(step),
        ],
    };
    let mut chosen = Vec::new();
    for step in steps {
        let first = (0..64).rev().find(|&power| step(power) <= least).unwrap_or(0);
        let last = (first + 1..96).find(|&power| step(power) >= most).unwrap_or(96);
        chosen = (first..=last).map(step).collect();
        if chosen.len() <= 7 {
            break;
        }
    }
    let (low, high) = (chosen.first().copied().unwrap_or(1.0), chosen.last().copied().unwrap_or(2.0));
    (chosen, low, high)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ticks are positive; the largest saturates"
)]
fn tick_label(tick: f64, system: UnitSystem) -> String {
    Bytes::new(tick as u64).display(system).short()
}

#[cfg(test)]
mod tests {
    use nn_memory::{DeviceChoice, Verdict, estimate};

    use super::*;

    const HEIGHT: f64 = 240.0;

    fn fits(scenario: &Scenario) -> bool {
        estimate(scenario).is_ok_and(|estimate| matches!(estimate.fit.verdict, Verdict::Fits { .. }))
    }

    fn sweep(scenario: &Scenario) -> Sweep {
        Sweep::of(Engine::FULL, scenario, &estimate(scenario).expect("within limits"), None)
    }

    #[test]
    fn what_is_known_of_another_batch_size_is_the_same_as_worked_out_anew() {
        let (other, device) = (Scenario { parameters: 7_000_000_000, ..Scenario::default() }, Scenario::default());
        let device = Scenario { device: DeviceChoice::Custom(Bytes::gib(80)), ..device };
        for last in [Scenario::default(), Scenario { batch_size: 3_000, ..Scenario::default() }, other, device] {
            for batch_size in [1, 5, 32, 1_024, 5_000] {
                let scenario = Scenario { batch_size, ..Scenario::default() };
                let estimate = estimate(&scenario).expect("within limits");
                let again = Sweep::of(Engine::FULL, &scenario, &estimate, Some(&sweep(&last)));
                assert_eq!(again, sweep(&scenario), "batch {batch_size} after {last:?}");
            }
        }
    }

    fn picture(scenario: &Scenario, width: f64) -> Picture {
        let measure = |text: &str| text.chars().count() as f64 * 7.0;
        sweep(scenario).layout(UnitSystem::Binary, Area { width, height: HEIGHT }, &measure)
    }

    #[test]
    fn the_title_names_the_largest_batch_that_fits() {
        let scenario = Scenario::default();
        let largest = Engine::FULL.largest_batch_that_fits(&scenario).expect("batch 32 fits");
        assert!(fits(&Scenario { batch_size: largest, ..scenario.clone() }));
        assert!(!fits(&Scenario { batch_size: largest + 1, ..scenario.clone() }));
        let title = format!("Batch {} is the largest that fits RTX 3060 12 GB", format_count(largest));
        assert_eq!(sweep(&scenario).title(UnitSystem::Binary), title);
        let large = Scenario { parameters: 175_000_000_000, ..Scenario::default() };
        assert_eq!(sweep(&large).title(UnitSystem::Binary), "No batch fits RTX 3060 12 GB");
    }

    #[test]
    fn the_line_rises_from_left_to_right_within_the_chart() {
        for batch_size in [1, 7, 32, 3_000] {
            for parameters in [7_850, 110_000_000, 175_000_000_000] {
                let picture = picture(&Scenario { parameters, batch_size, ..Scenario::default() }, 320.0);
                let line = picture
                    .shapes
                    .iter()
                    .find_map(|shape| match shape {
                        Shape::Line(points, Ink::Accent, _) if points.len() > 2 => Some(points),
                        _ => None,
                    })
                    .expect("the line");
                for pair in line.windows(2) {
                    assert!(pair[0].0 < pair[1].0 && pair[0].1 >= pair[1].1, "{pair:?}");
                }
                assert!(line.iter().all(|&(x, y)| (0.0..=320.0).contains(&x) && (0.0..=HEIGHT).contains(&y)));
                assert!(
                    picture
                        .hits
                        .iter()
                        .any(|hit| (hit.text)().starts_with(&format!("batch {}:", format_count(batch_size))))
                );
            }
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        let labels = |least, most, system| -> Vec<String> {
            ticks(least, most, system).0.into_iter().map(|tick| tick_label(tick, system)).collect()
        };
        assert_eq!(labels(1_900 << 20, 12 << 30, UnitSystem::Binary), ["1 GiB", "2 GiB", "4 GiB", "8 GiB", "16 GiB"]);
        assert_eq!(
            labels(1_900_000_000, 12_000_000_000, UnitSystem::Decimal),
            ["1 GB", "2 GB", "5 GB", "10 GB", "20 GB"]
        );
        for (least, most) in [(1, 1), (1, u64::MAX), (1_000, 1 << 40), (u64::MAX, u64::MAX)] {
            for system in [UnitSystem::Binary, UnitSystem::Decimal] {
                let count = labels(least, most, system).len();
                assert!((2..=7).contains(&count), "{least} to {most}: {count}");
            }
        }
    }
}
