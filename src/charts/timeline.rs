//! What is allocated along one step: areas of the parts, one upon the other, as memory snapshots show them.

use nn_memory::{Bytes, Choice, Estimate, PartKind, Phase, TimelinePoint, UnitSystem};

use super::Chart;
use super::picture::{Align, Area, FONT_SIZE, Hit, Ink, LINE, Measure, Picture, Shape, legend, scale, tick_label};
use crate::page::Page;

/// The parts along the step.
pub fn timeline(page: Page) -> Chart {
    Chart::of_estimate("timeline", page, title, description, layout)
}

const TOP: f64 = 40.0;
const BOTTOM: f64 = 8.0;
/// Pixels from one point of an outline to the next.
const COLUMN: f64 = 2.0;
/// The least width of the peak.
const PEAK: f64 = 4.0;
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
        "Memory along one step. {}{peak}. {}. Usable: {}. Parts from the top: {}.",
        title(estimate, system),
        phases.join("; "),
        estimate.fit.usable.display(system),
        parts(&estimate.timeline).into_iter().map(PartKind::name).collect::<Vec<_>>().join(", ")
    )
}

/// Parts that stand at any time, as the legend names them: the one on top first.
fn parts(points: &[TimelinePoint]) -> Vec<PartKind> {
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
    let points = &estimate.timeline;
    let mut picture = Picture::default();
    let Some(peak) = peak(points) else { return picture };
    let usable = estimate.fit.usable;
    // The limit is shown where it does not flatten what is below it.
    let shows_limit = usable.get() / 5 <= peak.total().get() / 2;
    let most = if shows_limit { peak.total().max(usable) } else { peak.total() };
    let (step, high) = scale(most.get().max(1), system);
    let label = |tick: f64| tick_label(tick, system);
    let ticks: Vec<f64> = (0..).map(|count| f64::from(count) * step).take_while(|tick| *tick <= high).collect();
    let left = ticks.iter().map(|&tick| measure(&label(tick))).fold(0.0, f64::max) + 12.0;
    let parts = parts(points);
    let bottom = area.height - legend(&mut Picture::default(), &parts, area.width, BOTTOM, measure);
    legend(&mut picture, &parts, area.width, bottom + BOTTOM + LINE / 2.0, measure);
    let right = area.width;
    let y = |bytes: f64| bottom - bytes / high * (bottom - TOP);

    for &tick in &ticks {
        picture.shapes.push(Shape::Line(vec![(left, y(tick)), (right, y(tick))], Ink::Grid, 1.0));
        picture.shapes.push(Shape::Text(label(tick), (left - 8.0, y(tick)), Align::Right, Ink::Muted));
    }
    let spans = spans(points, left, right);
    let columns = columns(points, &spans);
    for span in spans.iter().skip(1) {
        let ends = vec![(span.left, FONT_SIZE + 6.0), (span.left, bottom)];
        picture.shapes.push(Shape::Line(ends, Ink::Muted, 1.0));
    }
    areas(&mut picture, &widened(&columns, &spans), &spans, &y);
    phases(&mut picture, &spans, measure);

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
    // Above what stands beside it, on the ground's colour, clear of grid lines.
    let middle = height - FONT_SIZE / 2.0 - 5.0;
    let from = if align == Align::Left { beside } else { beside - measure(&words) };
    let (above, below) = (middle - FONT_SIZE / 2.0 - 1.0, middle + FONT_SIZE / 2.0 + 1.0);
    picture.shapes.push(Shape::Rect([from - 2.0, above, from + measure(&words) + 2.0, below], Ink::Ground));
    picture.shapes.push(Shape::Dot((at, height), 4.0, Ink::Text));
    picture.shapes.push(Shape::Text(words, (beside, middle), align, Ink::Text));
    picture.hits = hits(&columns, left, right, system);
    picture
}

/// The same columns with that of the peak wide enough to be seen: it may be one operator of thousands.
fn widened<'a>(columns: &[(f64, &'a TimelinePoint)], spans: &[Span]) -> Vec<(f64, &'a TimelinePoint)> {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return Vec::new() };
    let Some(&(at, peak)) = columns.iter().rev().max_by_key(|(_, point)| point.total()) else { return Vec::new() };
    let (from, to) = ((at - PEAK / 2.0).max(first.left), (at + PEAK / 2.0).min(last.right));
    let before = columns.iter().filter(|(x, _)| *x < from).copied();
    let after = columns.iter().filter(|(x, _)| *x > to).copied();
    before.chain([(from, peak), (to, peak)]).chain(after).collect()
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

/// The name of each phase above it.
fn phases(picture: &mut Picture, spans: &[Span], measure: Measure) {
    let mut free_from = 0.0;
    for (place, span) in spans.iter().enumerate() {
        let full = span.phase.label();
        // Where the name is too long for what is left, its one word stands for it.
        let left = span.left + 6.0;
        let fits =
            |name: &str| (span.right - measure(name)).min(left) >= free_from || left + measure(name) <= span.right;
        let name = if fits(full) { full } else { span.phase.key() };
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

#[cfg(test)]
mod tests {
    use nn_memory::{Model, Scenario, Task, Training, catalog, estimate};

    use super::*;

    fn scenario(key: &str, task: Task) -> Scenario {
        let model = Model::Named(catalog::model(key).expect("a row"));
        Scenario { model, task, batch_size: 4, sequence_length: 512, ..Scenario::default() }
    }

    fn laid_out(scenario: &Scenario, width: f64) -> (Estimate, Picture) {
        let estimate = estimate(scenario).expect("an estimate");
        let measure = |text: &str| text.chars().count() as f64 * 7.0;
        let area = Area { width, height: 320.0 };
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
                        assert!(points.iter().all(|(x, y)| (0.0..=width).contains(x) && (0.0..=320.0).contains(y)));
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

    /// The loss of one operator was a pixel wide, and a line was drawn over it.
    #[test]
    fn the_peak_is_seen_however_short_it_is() {
        let model = Model::Described(nn_memory::Config::of(nn_memory::Family::Qwen2Moe));
        let lora = Task::Lora(Training::default());
        let scenario = Scenario { model, task: lora, ..Scenario::default() };
        for width in [300.0, 900.0] {
            let (_, picture) = laid_out(&scenario, width);
            let dot = picture.shapes.iter().find_map(|shape| match shape {
                Shape::Dot(at, ..) => Some(*at),
                _ => None,
            });
            let dot = dot.expect("the peak");
            let top: Vec<f64> = picture
                .shapes
                .iter()
                .filter_map(|shape| match shape {
                    Shape::Polygon(points, _) => Some(points),
                    _ => None,
                })
                .flatten()
                .filter(|point| (point.1 - dot.1).abs() < 1e-6)
                .map(|point| point.0)
                .collect();
            let (from, to) = (top.iter().copied().fold(width, f64::min), top.iter().copied().fold(0.0, f64::max));
            assert!(to - from >= PEAK / 2.0 && from <= dot.0 && dot.0 <= to, "{from} {to} {dot:?}");
            let place = |is: fn(&Shape) -> bool| picture.shapes.iter().position(is).expect("drawn");
            let area = place(|shape| matches!(shape, Shape::Polygon(..)));
            let phase = place(|shape| matches!(shape, Shape::Line(_, Ink::Muted, _)));
            assert!(phase < area, "lines of phases are under the areas");
        }
    }

    #[test]
    fn the_name_of_the_peak_stands_on_the_ground_above_it() {
        for (key, task) in [("gpt2", Scenario::default().task), ("deepseek-v3", Task::Inference)] {
            let (_, picture) = laid_out(&scenario(key, task), 328.0);
            let is_name = |shape: &Shape| matches!(shape, Shape::Text(text, ..) if text.starts_with("peak "));
            let place = picture.shapes.iter().position(is_name).expect("the name of the peak");
            let [Shape::Rect(behind, Ink::Ground), Shape::Dot(dot, ..), Shape::Text(name, at, align, _)] =
                &picture.shapes[place - 2..=place]
            else {
                panic!("{key}: nothing is behind the name");
            };
            let width = name.chars().count() as f64 * 7.0;
            let left = if *align == Align::Left { at.0 } else { at.0 - width };
            assert!(behind[0] < left && behind[2] > left + width && behind[1] < at.1 && behind[3] > at.1, "{key}");
            assert!(behind[3] < dot.1 && behind[1] > FONT_SIZE, "{key}");
        }
    }

    #[test]
    fn every_phase_is_named_on_a_phone() {
        for (key, task) in [("gpt2", Scenario::default().task), ("llama-2-7b", Scenario::default().task)] {
            let (_, picture) = laid_out(&scenario(key, task), 328.0);
            let named =
                |name: &str| picture.shapes.iter().any(|shape| matches!(shape, Shape::Text(text, ..) if text == name));
            assert!(named("forward") && named("backward"), "{key}");
            assert!(named("step") || named("optimizer step"), "{key}");
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
    fn the_figures_are_said_in_words() {
        let (estimate, _) = laid_out(&scenario("gpt2", Scenario::default().task), 900.0);
        let words = description(&estimate, UnitSystem::Binary);
        assert!(words.starts_with("Memory along one step. The step peaks at "), "{words}");
        assert!(words.contains("forward up to ") && words.contains("optimizer step up to "), "{words}");
    }
}
