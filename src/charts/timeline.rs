//! What is allocated along one step: areas of the parts, one upon the other, as memory snapshots show them.

use leptos::prelude::*;
use nn_memory::{Bytes, Choice, Estimate, PartKind, Phase, TimelinePoint, UnitSystem};

use super::Chart;
use super::picture::{Align, Area, FONT_SIZE, Hit, Ink, Measure, Picture, Shape};
use crate::built::{Built, built};
use crate::page::Page;
use crate::results::{capitalized, slug};

/// The parts along the step.
pub fn timeline(page: Page) -> Chart {
    Chart { legend: Some(legend(page)), ..Chart::of_estimate("timeline", page, title, description, layout) }
}

const TOP: f64 = 40.0;
const BOTTOM: f64 = 8.0;
/// Pixels from one point of an outline to the next.
const COLUMN: f64 = 2.0;
/// Places that can be read out: few enough to go through by key.
const PLACES: usize = 64;
/// The least share of the width that a phase gets, however few its operators.
const LEAST: f64 = 0.1;

/// What stands still at the bottom, what comes and goes on top.
const ORDER: [PartKind; PartKind::ALL.len()] = [
    PartKind::Context,
    PartKind::Workspace,
    PartKind::Parameters,
    PartKind::OptimizerState,
    PartKind::MasterWeights,
    PartKind::Gradients,
    PartKind::Activations,
    PartKind::KvCache,
    PartKind::Temporary,
];

/// What the chart shows, as its title.
pub fn title(estimate: &Estimate, system: UnitSystem) -> String {
    match &estimate.report {
        Some(report) => {
            let phase = report.peak_phase.label();
            let name = if phase.contains("step") { phase.to_owned() } else { format!("{phase} pass") };
            format!("The step peaks at {} in the {name}", estimate.total.display(system))
        }
        None => String::new(),
    }
}

/// The figures of the chart in words.
pub fn description(estimate: &Estimate, system: UnitSystem) -> String {
    let phases = estimate.report.iter().flat_map(|report| &report.phase_peaks);
    let phases: Vec<_> =
        phases.map(|(phase, bytes)| format!("{} up to {}", phase.label(), bytes.display(system))).collect();
    let peak = peak(&estimate.timeline).map(|point| format!(", at {}", operator(point))).unwrap_or_default();
    format!(
        "Memory along one step. {}{peak}. {}. Usable: {}.",
        title(estimate, system),
        phases.join("; "),
        estimate.fit.usable.display(system)
    )
}

/// Parts that stand at any time, as a legend names them.
pub fn parts(points: &[TimelinePoint]) -> Vec<PartKind> {
    let stands = |kind: &PartKind| points.iter().any(|point| point.parts[*kind as usize] > Bytes::ZERO);
    ORDER.into_iter().rev().filter(stands).collect()
}

fn peak(points: &[TimelinePoint]) -> Option<&TimelinePoint> {
    // The first of equal ones.
    points.iter().rev().max_by_key(|point| point.total())
}

/// The operator of a point: `layer: addmm`.
fn operator(point: &TimelinePoint) -> String {
    if point.module.is_empty() { point.label.to_owned() } else { format!("{}: {}", point.module, point.label) }
}

fn read_out(point: &TimelinePoint, system: UnitSystem) -> String {
    let mut text = format!("{}, {}: {}", point.phase.label(), operator(point), point.total().display(system));
    let mut separator = " = ";
    for kind in ORDER.into_iter().rev() {
        let bytes = point.parts[kind as usize];
        if bytes > Bytes::ZERO {
            text.push_str(&format!("{separator}{} {}", kind.name(), bytes.display(system)));
            separator = " + ";
        }
    }
    text
}

/// A phase of the step and where it stands in the chart.
struct Span {
    phase: Phase,
    /// Positions from here to there.
    first: u64,
    last: u64,
    left: f64,
    right: f64,
}

impl Span {
    /// The middle of an operator.
    fn x(&self, position: u64) -> f64 {
        let place = (position - self.first) as f64 + 0.5;
        let count = (self.last - self.first + 1) as f64;
        self.left + place / count * (self.right - self.left)
    }
}

/// The phases from left to right, each as wide as it has operators, but none too narrow to be seen.
fn spans(points: &[TimelinePoint], left: f64, right: f64) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for point in points {
        match spans.last_mut() {
            Some(span) if span.phase == point.phase => span.last = point.position,
            last => {
                let first = last.map_or(point.position, |span| span.last + 1);
                spans.push(Span { phase: point.phase, first, last: point.position, left, right });
            }
        }
    }
    let all: f64 = spans.iter().map(|span| (span.last - span.first + 1) as f64).sum();
    let share = |span: &Span| ((span.last - span.first + 1) as f64 / all).max(LEAST);
    let shares: f64 = spans.iter().map(share).sum();
    let mut at = left;
    for span in &mut spans {
        span.left = at;
        at += share(span) / shares * (right - left);
        span.right = at;
    }
    spans
}

/// The highest point of each column of pixels, with its place.
fn columns<'a>(points: &'a [TimelinePoint], spans: &[Span]) -> Vec<(f64, &'a TimelinePoint)> {
    let mut columns: Vec<(f64, &TimelinePoint)> = Vec::new();
    for point in points {
        let Some(span) = spans.iter().find(|span| span.last >= point.position) else { continue };
        let x = span.x(point.position);
        match columns.last_mut() {
            Some((last, highest)) if x - *last < COLUMN && highest.phase == point.phase => {
                if point.total() > highest.total() {
                    *highest = point;
                }
            }
            _ => columns.push((x, point)),
        }
    }
    columns
}

/// Lays the chart out.
pub fn layout(estimate: &Estimate, device_name: &str, system: UnitSystem, area: Area, measure: Measure) -> Picture {
    let mut picture = Picture::default();
    let points = &estimate.timeline;
    let Some(peak) = peak(points) else { return picture };
    let usable = estimate.fit.usable;
    // The limit is shown where it does not flatten what is below it.
    let shows_limit = usable.get() / 5 <= peak.total().get() / 2;
    let most = if shows_limit { peak.total().max(usable) } else { peak.total() };
    let (step, high) = scale(most.get().max(1), system);
    let label = |tick: f64| tick_label(tick, system);
    let ticks: Vec<f64> = (0..).map(|count| f64::from(count) * step).take_while(|tick| *tick <= high).collect();
    let left = ticks.iter().map(|&tick| measure(&label(tick))).fold(0.0, f64::max) + 12.0;
    let (right, bottom) = (area.width, area.height - BOTTOM);
    let y = |bytes: f64| bottom - bytes / high * (bottom - TOP);

    for &tick in &ticks {
        picture.shapes.push(Shape::Line(vec![(left, y(tick)), (right, y(tick))], Ink::Grid, 1.0));
        picture.shapes.push(Shape::Text(label(tick), (left - 8.0, y(tick)), Align::Right, Ink::Muted));
    }
    let spans = spans(points, left, right);
    let columns = columns(points, &spans);
    areas(&mut picture, &columns, &spans, &y);
    phases(&mut picture, &spans, bottom, measure);

    let total = peak.total();
    let at = spans.iter().find(|span| span.last >= peak.position).map_or(left, |span| span.x(peak.position));
    let height = y(total.get() as f64);
    if shows_limit {
        let height = y(usable.get() as f64);
        picture.shapes.push(Shape::Line(vec![(left, height), (right, height)], Ink::Limit, 2.0));
        let (x, align) =
            if at > f64::midpoint(left, right) { (left + 4.0, Align::Left) } else { (right - 4.0, Align::Right) };
        let middle = height - FONT_SIZE / 2.0 - 4.0;
        // On the ground's colour: the red of the limit cannot be read on that of a part.
        let from = if align == Align::Left { x - 2.0 } else { x - measure(device_name) - 2.0 };
        let (above, below) = (middle - FONT_SIZE / 2.0 - 2.0, middle + FONT_SIZE / 2.0 + 2.0);
        let behind = [from, above, from + measure(device_name) + 4.0, below];
        picture.shapes.push(Shape::Rect(behind, Ink::Ground));
        picture.shapes.push(Shape::Text(device_name.to_owned(), (x, middle), align, Ink::Limit));
    }
    let words = format!("peak {}", total.display(system));
    // Beside the dot, clear of the line where a phase begins.
    let (beside, align) =
        if at + 8.0 + measure(&words) < right { (at + 8.0, Align::Left) } else { (at - 8.0, Align::Right) };
    picture.shapes.push(Shape::Dot((at, height), 4.0, Ink::Text));
    picture.shapes.push(Shape::Text(words, (beside, height + 2.0), align, Ink::Text));
    picture.hits = hits(&columns, left, right, system);
    picture
}

/// The parts from the one on top to the one at the bottom, each drawn down to the ground.
fn areas(picture: &mut Picture, columns: &[(f64, &TimelinePoint)], spans: &[Span], y: &dyn Fn(f64) -> f64) {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return };
    let ground = y(0.0);
    let mut tops: Vec<u64> = columns.iter().map(|(_, point)| point.total().get()).collect();
    for kind in ORDER.into_iter().rev() {
        let thickest = columns.iter().map(|(_, point)| point.parts[kind as usize].get()).max().unwrap_or(0);
        if thickest == 0 {
            continue;
        }
        let mut outline: Vec<(f64, f64)> = vec![(first.left, ground)];
        for (place, (&(x, _), &top)) in columns.iter().zip(&tops).enumerate() {
            let height = y(top as f64);
            if place == 0 {
                outline.push((first.left, height));
            }
            outline.push((x, height));
        }
        let height = outline.last().map_or(ground, |point| point.1);
        outline.push((last.right, height));
        let mut edge = outline.clone();
        edge.remove(0);
        outline.push((last.right, ground));
        picture.shapes.push(Shape::Polygon(straightened(outline), Ink::Part(kind)));
        // A line of the ground's colour keeps neighbours apart in any colour vision.
        picture.shapes.push(Shape::Line(straightened(edge), Ink::Ground, 1.0));
        for (top, (_, point)) in tops.iter_mut().zip(columns) {
            *top = top.saturating_sub(point.parts[kind as usize].get());
        }
    }
}

/// The same line without points that it passes through anyway.
fn straightened(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    for point in points {
        if let [.., a, b] = kept[..]
            && (a.1 - b.1).abs() < 0.3
            && (b.1 - point.1).abs() < 0.3
        {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

/// Where each phase begins, and its name above it.
fn phases(picture: &mut Picture, spans: &[Span], bottom: f64, measure: Measure) {
    let mut free_from = 0.0;
    for (place, span) in spans.iter().enumerate() {
        if place > 0 {
            picture.shapes.push(Shape::Line(vec![(span.left, FONT_SIZE + 6.0), (span.left, bottom)], Ink::Muted, 1.0));
        }
        let name = span.phase.label();
        let width = measure(name);
        // A short phase at the end has its name left of it.
        let start = if span.left + 6.0 + width <= span.right.max(span.left + width) && place + 1 < spans.len() {
            span.left + 6.0
        } else {
            (span.right - width).min(span.left + 6.0)
        };
        if start >= free_from {
            picture.shapes.push(Shape::Text(name.to_owned(), (start, FONT_SIZE / 2.0 + 2.0), Align::Left, Ink::Muted));
            free_from = start + width + FONT_SIZE / 2.0;
        }
    }
}

/// Places to read out: the highest of each.
fn hits(columns: &[(f64, &TimelinePoint)], left: f64, right: f64, system: UnitSystem) -> Vec<Hit> {
    let mut hits: Vec<Hit> = Vec::new();
    let mut from = left;
    for chunk in columns.chunks(columns.len().div_ceil(PLACES).max(1)) {
        let highest = chunk.iter().rev().max_by_key(|(_, point)| point.total());
        let (Some(&(marker, &point)), Some(&(last, _))) = (highest, chunk.last()) else { continue };
        hits.push(Hit { left: from, right: last, marker, text: Box::new(move || read_out(&point, system)) });
        from = last;
    }
    if let Some(hit) = hits.last_mut() {
        hit.right = right;
    }
    hits
}

/// The distance of round ticks, five or six at most, and the last of them at or above `most`.
fn scale(most: u64, system: UnitSystem) -> (f64, f64) {
    let most = most as f64;
    let mut step = 1.0;
    let factors = match system {
        UnitSystem::Binary => [2.0, 2.0, 2.0],
        UnitSystem::Decimal => [2.0, 2.5, 2.0],
    };
    for factor in factors.into_iter().cycle().take(256) {
        if most <= step * 5.0 {
            break;
        }
        step *= factor;
    }
    (step, (most / step).ceil() * step)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ticks are positive; the largest saturates"
)]
fn tick_label(tick: f64, system: UnitSystem) -> String {
    if tick < 1.0 { "0".to_owned() } else { Bytes::new(tick as u64).display(system).short() }
}

/// The parts of the timeline by their colours.
fn legend(page: Page) -> Built {
    let parts = Memo::new(move |_| page.outcome.with(|outcome| parts(&outcome.estimate.timeline)));
    let entries = move || {
        let entries = parts.get().into_iter().map(|kind| {
            built(view! {
                <li>
                    <span class=format!("dot dot-{}", slug(kind)) aria-hidden="true"></span>
                    {capitalized(kind.name())}
                </li>
            })
        });
        entries.collect_view()
    };
    built(view! { <ul class="legend" aria-label="Parts, the one on top first">{entries}</ul> })
}

#[cfg(test)]
mod tests {
    use nn_memory::{Model, Scenario, Task, catalog, estimate};

    use super::*;

    fn scenario(key: &str, task: Task) -> Scenario {
        let model = Model::Named(catalog::model(key).expect("a row"));
        Scenario { model, task, batch_size: 4, sequence_length: 512, ..Scenario::default() }
    }

    fn laid_out(scenario: &Scenario, width: f64) -> (Estimate, Picture) {
        let estimate = estimate(scenario).expect("an estimate");
        let measure = |text: &str| text.chars().count() as f64 * 7.0;
        let area = Area { width, height: 280.0 };
        let picture = layout(&estimate, "RTX 3060 12 GB", UnitSystem::Binary, area, &measure);
        (estimate, picture)
    }

    #[test]
    fn outlines_are_short_and_keep_the_peak() {
        let training = Scenario::default().task;
        for (key, task) in [("gpt2", training), ("llama-2-70b", training), ("llama-2-7b", Task::Inference)] {
            for width in [300.0, 900.0] {
                let (estimate, picture) = laid_out(&scenario(key, task), width);
                let mut highest = f64::INFINITY;
                for shape in &picture.shapes {
                    if let Shape::Polygon(points, _) = shape {
                        assert!(points.len() <= 500, "{key}: {}", points.len());
                        assert!(points.iter().all(|(x, y)| (0.0..=width).contains(x) && (0.0..=280.0).contains(y)));
                        highest = points.iter().map(|point| point.1).fold(highest, f64::min);
                    }
                }
                let dot = picture.shapes.iter().find_map(|shape| match shape {
                    Shape::Dot(at, ..) => Some(at.1),
                    _ => None,
                });
                assert!((highest - dot.expect("the peak")).abs() < 1e-6, "{key}: {highest}");
                let total = format!(": {}", estimate.total.display(UnitSystem::Binary));
                assert!(
                    picture.hits.iter().any(|hit| (hit.text)().contains(&total)),
                    "{key}: the peak can be read out"
                );
                assert!(
                    picture.hits.len() <= PLACES && picture.hits.windows(2).all(|pair| pair[0].right <= pair[1].left)
                );
            }
        }
    }

    #[test]
    fn the_name_of_the_limit_stands_on_the_ground() {
        for (key, task) in [("gpt2-xl", Scenario::default().task), ("llama-2-7b", Task::Inference)] {
            let (_, picture) = laid_out(&scenario(key, task), 900.0);
            let place = picture.shapes.iter().position(|shape| matches!(shape, Shape::Text(_, _, _, Ink::Limit)));
            let Some(place) = place else { panic!("{key}: no limit") };
            let (Shape::Rect(behind, Ink::Ground), Shape::Text(name, at, align, _)) =
                (&picture.shapes[place - 1], &picture.shapes[place])
            else {
                panic!("{key}: nothing is behind the name");
            };
            let width = name.chars().count() as f64 * 7.0;
            let left = if *align == Align::Left { at.0 } else { at.0 - width };
            assert!(behind[0] < left && behind[2] > left + width && behind[1] < at.1 && behind[3] > at.1, "{key}");
        }
    }

    #[test]
    fn phases_stand_in_their_order_and_none_is_too_narrow() {
        let (estimate, _) = laid_out(&scenario("llama-2-70b", Scenario::default().task), 900.0);
        let spans = spans(&estimate.timeline, 0.0, 900.0);
        let phases: Vec<_> = spans.iter().map(|span| span.phase).collect();
        assert_eq!(phases, [Phase::Forward, Phase::Backward, Phase::Step]);
        assert!(spans.iter().all(|span| span.right - span.left > 70.0));
        assert!((spans[2].right - 900.0).abs() < 1e-9);
    }

    #[test]
    fn ticks_are_round_and_few() {
        for (most, system, labels) in [
            (12_u64 << 30, UnitSystem::Binary, ["0", "4 GiB", "8 GiB", "12 GiB"].as_slice()),
            (900_000_000, UnitSystem::Decimal, &["0", "200 MB", "400 MB", "600 MB", "800 MB", "1 GB"]),
        ] {
            let (step, high) = scale(most, system);
            let ticks = (0..).map(|count| f64::from(count) * step).take_while(|tick| *tick <= high);
            assert_eq!(ticks.map(|tick| tick_label(tick, system)).collect::<Vec<_>>(), labels);
        }
    }

    #[test]
    fn the_figures_are_said_in_words() {
        let (estimate, _) = laid_out(&scenario("gpt2", Scenario::default().task), 900.0);
        let words = description(&estimate, UnitSystem::Binary);
        assert!(words.starts_with("Memory along one step. The step peaks at "), "{words}");
        assert!(words.contains("forward up to ") && words.contains("optimizer step up to "), "{words}");
    }
}
