//! The parts of the total side by side, against the sizes of devices.

use nn_memory::{Bytes, Estimate, Fit, UnitSystem};

use super::Chart;
use super::picture::{Align, Area, FONT_SIZE, Hit, Ink, LINE, Measure, Picture, Shape, legend, scale, tick_label};
use crate::page::Page;
use crate::results::capitalized;

/// The parts of the total against devices.
pub fn breakdown(page: Page) -> Chart {
    Chart::of_estimate("breakdown", page, |estimate, _| title(estimate), description, layout)
}

const BAR_TOP: f64 = 26.0;
const BAR_HEIGHT: f64 = 44.0;
const LABEL_GAP: f64 = 12.0;
const AXIS_GAP: f64 = 28.0;

/// What the chart shows, as its title.
pub fn title(estimate: &Estimate) -> String {
    match estimate.parts.iter().rev().max_by_key(|part| part.bytes) {
        Some(part) => {
            let name = part.kind.name();
            let verb = if name.ends_with('s') { "are" } else { "is" };
            format!("{} {verb} {} % of the total", capitalized(name), part.share)
        }
        None => String::new(),
    }
}

/// The figures of the chart in words.
pub fn description(estimate: &Estimate, system: UnitSystem) -> String {
    let parts: Vec<_> = estimate
        .parts
        .iter()
        .filter(|part| part.bytes > Bytes::ZERO)
        .map(|part| format!("{} {} ({} %)", part.kind.name(), part.bytes.display(system), part.share))
        .collect();
    format!(
        "Stacked bar: total {} of {} usable. {}.",
        estimate.total.display(system),
        estimate.fit.usable.display(system),
        parts.join(", ")
    )
}

/// The largest size that is shown: the total, the device, and the smallest that fits where it is not far off.
fn end(estimate: &Estimate) -> u64 {
    let most = estimate.total.max(estimate.fit.reported).get();
    let smallest = estimate.smallest_device.map_or(0, |device| device.reported.get());
    if smallest / 2 <= most { most.max(smallest) } else { most }
}

/// Lays the chart out.
pub fn layout(estimate: &Estimate, device_name: &str, system: UnitSystem, area: Area, measure: Measure) -> Picture {
    let mut picture = Picture::default();
    let end = end(estimate) as f64 * 1.04;
    let x = |bytes: Bytes| bytes.get() as f64 / end * area.width;
    let (top, bottom) = (BAR_TOP, BAR_TOP + BAR_HEIGHT);
    picture.shapes.push(Shape::Rect([0.0, top, x(estimate.fit.usable), bottom], Ink::Grid));

    let mut unnamed = Vec::new();
    let mut start = Bytes::ZERO;
    for part in estimate.parts.iter().filter(|part| part.bytes > Bytes::ZERO) {
        let stop = start.checked_add(part.bytes).unwrap_or(start);
        let (left, right) = (x(start), x(stop));
        picture.shapes.push(Shape::Rect([left, top, right, bottom], Ink::Part(part.kind)));
        if right - left > 3.0 {
            // A gap of the ground's colour keeps neighbours apart in any colour vision.
            picture.shapes.push(Shape::Line(vec![(right, top), (right, bottom)], Ink::Ground, 1.0));
        }
        let name = capitalized(part.kind.name());
        if measure(&name) + 4.0 < right - left {
            let at = (f64::midpoint(left, right), bottom + LABEL_GAP);
            picture.shapes.push(Shape::Text(name, at, Align::Center, Ink::Text));
        } else {
            unnamed.push(part.kind);
        }
        let (kind, bytes, share) = (part.kind, part.bytes, part.share);
        picture.hits.push(Hit {
            left,
            right,
            marker: f64::midpoint(left, right),
            text: Box::new(move || format!("{}: {}, {share} %", kind.name(), bytes.display(system))),
        });
        start = stop;
    }
    let taken = label_limit(&mut picture, &estimate.fit, device_name, x(estimate.fit.usable), area, measure);
    label_smallest(&mut picture, estimate, device_name, &x, taken, area, measure);
    axis(&mut picture, &x, estimate, system, area, measure);
    legend(&mut picture, &unnamed, area.width, BAR_TOP + BAR_HEIGHT + AXIS_GAP + 2.0 * FONT_SIZE + LINE / 2.0, measure);
    picture
}

/// The device's limit; what its label covers.
fn label_limit(
    picture: &mut Picture,
    fit: &Fit,
    device_name: &str,
    at: f64,
    area: Area,
    measure: Measure,
) -> (f64, f64) {
    let words = if fit.usable < fit.reported { "usable of" } else { "limit:" };
    let label = format!("{words} {device_name}");
    let width = measure(&label);
    picture.shapes.push(Shape::Line(vec![(at, BAR_TOP - 6.0), (at, BAR_TOP + BAR_HEIGHT)], Ink::Limit, 2.0));
    let left = (at - width / 2.0).clamp(0.0, (area.width - width).max(0.0));
    picture.shapes.push(Shape::Text(label, (left, FONT_SIZE / 2.0 + 2.0), Align::Left, Ink::Limit));
    (left, left + width)
}

/// The smallest device that fits, where it is another one and its name has room beside that of the limit.
fn label_smallest(
    picture: &mut Picture,
    estimate: &Estimate,
    device_name: &str,
    x: &dyn Fn(Bytes) -> f64,
    taken: (f64, f64),
    area: Area,
    measure: Measure,
) {
    let Some(device) = estimate.smallest_device.filter(|device| device.name != device_name) else { return };
    let at = x(device.reported);
    if at > area.width {
        return;
    }
    let gap = FONT_SIZE / 2.0;
    for label in [format!("smallest: {}", device.name), device.name.to_owned()] {
        let width = measure(&label);
        let left = (at - width / 2.0).clamp(0.0, (area.width - width).max(0.0));
        // Moved aside where it would touch the limit's, as long as it still stands at its mark.
        let left = if left + width + gap <= taken.0 || left >= taken.1 + gap {
            left
        } else if at > taken.1 {
            taken.1 + gap
        } else {
            taken.0 - gap - width
        };
        if left >= 0.0 && left + width <= area.width && left <= at + gap && left + width + gap >= at {
            let line = vec![(at, BAR_TOP - 6.0), (at, BAR_TOP + BAR_HEIGHT)];
            picture.shapes.push(Shape::Line(line, Ink::Muted, 1.0));
            picture.shapes.push(Shape::Text(label, (left, FONT_SIZE / 2.0 + 2.0), Align::Left, Ink::Muted));
            return;
        }
    }
}

/// Round sizes, and the total; a label that would touch another is left out.
fn axis(
    picture: &mut Picture,
    x: &dyn Fn(Bytes) -> f64,
    estimate: &Estimate,
    system: UnitSystem,
    area: Area,
    measure: Measure,
) {
    let axis = BAR_TOP + BAR_HEIGHT + AXIS_GAP;
    picture.shapes.push(Shape::Line(vec![(0.0, axis), (area.width, axis)], Ink::Grid, 1.0));
    let mut taken: Vec<(f64, f64)> = Vec::new();
    let mut mark = |at: f64, label: String, ink: Ink| {
        let half = measure(&label) / 2.0;
        let center = at.clamp(half, (area.width - half).max(half));
        picture.shapes.push(Shape::Line(vec![(at, axis - 4.0), (at, axis + 4.0)], ink, 1.0));
        let (left, right) = (center - half, center + half);
        if taken.iter().all(|(from, to)| right + FONT_SIZE / 2.0 < *from || left > to + FONT_SIZE / 2.0) {
            taken.push((left, right));
            picture.shapes.push(Shape::Text(label, (center, axis + FONT_SIZE), Align::Center, ink));
        }
    };
    mark(x(estimate.total), estimate.total.display(system).short(), Ink::Text);
    let (step, high) = scale(end(estimate).max(1), system);
    let steps = (0..=5_u32).map(|count| f64::from(count) * step).take_while(|tick| *tick <= high);
    for tick in steps {
        let at = tick / end(estimate).max(1) as f64 * x(Bytes::new(end(estimate)));
        if at <= area.width {
            mark(at, tick_label(tick, system), Ink::Muted);
        }
    }
}

#[cfg(test)]
mod tests {
    use nn_memory::{Overheads, Scenario, estimate};

    use super::*;

    fn laid_out(scenario: &Scenario, width: f64) -> (Estimate, Picture) {
        let estimate = estimate(scenario).expect("within limits");
        let measure = |text: &str| text.chars().count() as f64 * 7.0;
        let area = Area { width, height: 184.0 };
        let picture = layout(&estimate, "RTX 3060 12 GB", UnitSystem::Binary, area, &measure);
        (estimate, picture)
    }

    #[test]
    fn parts_stand_side_by_side_in_their_order() {
        let scenario = Scenario { overheads: Overheads::REALISTIC, ..Scenario::default() };
        let (estimate, picture) = laid_out(&scenario, 800.0);
        let nonzero = estimate.parts.iter().filter(|part| part.bytes > Bytes::ZERO).count();
        assert_eq!(picture.hits.len(), nonzero);
        for pair in picture.hits.windows(2) {
            assert!((pair[0].right - pair[1].left).abs() < 1e-9);
        }
        let right = picture.hits.last().expect("parts").right;
        let whole = end(&estimate) as f64 * 1.04;
        assert!((right / 800.0 - estimate.total.get() as f64 / whole).abs() < 1e-9);
    }

    #[test]
    fn labels_never_overlap_or_leave_the_chart() {
        for parameters in [7_850, 110_000_000, 7_000_000_000, 175_000_000_000] {
            for width in [280.0, 340.0, 800.0] {
                let (_, picture) = laid_out(&Scenario { parameters, ..Scenario::default() }, width);
                let mut ends = Vec::new();
                for shape in &picture.shapes {
                    if let Shape::Text(text, (at, height), align, _) = shape {
                        let text_width = text.chars().count() as f64 * 7.0;
                        let left = match align {
                            Align::Left => *at,
                            Align::Center => at - text_width / 2.0,
                            Align::Right => at - text_width,
                        };
                        assert!(left >= -0.5 && left + text_width <= width + 0.5, "{text} at {left}");
                        assert!(*height + FONT_SIZE / 2.0 <= 184.0, "{text} at {height}");
                        ends.push((*height, left, left + text_width));
                    }
                }
                ends.sort_by(|a, b| a.partial_cmp(b).expect("finite"));
                for pair in ends.windows(2) {
                    assert!(pair[0].0 < pair[1].0 || pair[0].2 < pair[1].1, "{pair:?}");
                }
            }
        }
    }

    fn labels(picture: &Picture, ink: Ink) -> Vec<String> {
        let label = |shape: &Shape| match shape {
            Shape::Text(text, _, _, its) if *its == ink => Some(text.clone()),
            _ => None,
        };
        picture.shapes.iter().filter_map(label).collect()
    }

    /// They stood at 12.88, 25.77 and 34.36 GB, the sizes of devices in GiB.
    #[test]
    fn the_axis_has_round_steps_of_its_unit() {
        let area = Area { width: 800.0, height: 132.0 };
        let measure = |text: &str| text.chars().count() as f64 * 7.0;
        for (parameters, system, expected) in [
            (110_000_000, UnitSystem::Binary, ["0", "4 GiB", "8 GiB", "12 GiB"].as_slice()),
            (110_000_000, UnitSystem::Decimal, &["0", "5 GB", "10 GB"]),
            (175_000_000_000, UnitSystem::Binary, &["0", "1 TiB", "2 TiB"]),
        ] {
            let estimate = estimate(&Scenario { parameters, ..Scenario::default() }).expect("within limits");
            let picture = layout(&estimate, "RTX 3060 12 GB", system, area, &measure);
            let labels = labels(&picture, Ink::Muted);
            let under: Vec<_> =
                labels.iter().map(String::as_str).filter(|label| !label.starts_with("smallest")).collect();
            assert_eq!(under, expected, "{parameters}");
        }
    }

    #[test]
    fn the_smallest_device_that_fits_is_marked() {
        let scenario = Scenario { parameters: 1_000_000_000, ..Scenario::default() };
        let (estimate, picture) = laid_out(&scenario, 800.0);
        let name = estimate.smallest_device.expect("a device").name;
        assert!(labels(&picture, Ink::Muted).contains(&format!("smallest: {name}")), "{name}");
    }

    #[test]
    fn every_part_is_named_in_the_bar_or_in_the_legend() {
        for parameters in [7_850, 110_000_000, 7_000_000_000] {
            for width in [328.0, 800.0] {
                let (estimate, picture) = laid_out(&Scenario { parameters, ..Scenario::default() }, width);
                let named = labels(&picture, Ink::Text);
                for part in estimate.parts.iter().filter(|part| part.bytes > Bytes::ZERO) {
                    let name = capitalized(part.kind.name());
                    assert_eq!(named.iter().filter(|label| **label == name).count(), 1, "{name} at {width}");
                }
            }
        }
    }

    #[test]
    fn the_title_states_the_largest_part() {
        let (estimate, _) = laid_out(&Scenario::default(), 800.0);
        assert_eq!(title(&estimate), "Optimizer state is 42.7 % of the total");
    }
}
