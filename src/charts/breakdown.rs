//! The parts of the total side by side, against the sizes of devices.

use nn_memory::{Bytes, Estimate, Fit, Size, UnitSystem, catalog};

use super::Chart;
use super::picture::{Align, Area, FONT_SIZE, Hit, Ink, Measure, Picture, Shape};
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

/// Lays the chart out.
pub fn layout(estimate: &Estimate, device_name: &str, system: UnitSystem, area: Area, measure: Measure) -> Picture {
    let mut picture = Picture::default();
    let end = estimate.total.max(estimate.fit.reported).get() as f64 * 1.04;
    let x = |bytes: Bytes| bytes.get() as f64 / end * area.width;
    let (top, bottom) = (BAR_TOP, BAR_TOP + BAR_HEIGHT);
    picture.shapes.push(Shape::Rect([0.0, top, x(estimate.fit.usable), bottom], Ink::Grid));

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
    label_limit(&mut picture, &estimate.fit, device_name, x(estimate.fit.usable), area, measure);
    device_ticks(&mut picture, &x, estimate, system, area, measure);
    picture
}

fn label_limit(picture: &mut Picture, fit: &Fit, device_name: &str, at: f64, area: Area, measure: Measure) {
    let words = if fit.usable < fit.reported { "usable of" } else { "limit:" };
    let label = format!("{words} {device_name}");
    let width = measure(&label);
    picture.shapes.push(Shape::Line(vec![(at, BAR_TOP - 6.0), (at, BAR_TOP + BAR_HEIGHT)], Ink::Limit, 2.0));
    let left = (at - width / 2.0).clamp(0.0, (area.width - width).max(0.0));
    picture.shapes.push(Shape::Text(label, (left, FONT_SIZE / 2.0 + 2.0), Align::Left, Ink::Limit));
}

/// Sizes at which devices are sold, as ticks under the bar; those that would touch are left out.
fn device_ticks(
    picture: &mut Picture,
    x: &dyn Fn(Bytes) -> f64,
    estimate: &Estimate,
    system: UnitSystem,
    area: Area,
    measure: Measure,
) {
    let axis = BAR_TOP + BAR_HEIGHT + AXIS_GAP;
    picture.shapes.push(Shape::Line(vec![(0.0, axis), (area.width, axis)], Ink::Grid, 1.0));
    let unit = estimate.total.max(estimate.fit.reported).display(system).unit;
    let zero = Size { figure: "0".to_owned(), unit }.to_string();
    let mut free_from = measure(&zero) + FONT_SIZE;
    picture.shapes.push(Shape::Text(zero, (0.0, axis + FONT_SIZE), Align::Left, Ink::Muted));
    let mut sizes = vec![estimate.total];
    for size in catalog::DEVICES.iter().map(|device| device.advertised) {
        if let Err(place) = sizes.binary_search(&size) {
            sizes.insert(place, size);
        }
    }
    for size in sizes {
        let at = x(size);
        if at > area.width {
            break;
        }
        let label = size.size_in(unit).short();
        let half = measure(&label) / 2.0;
        let center = at.min(area.width - half);
        if center - half < free_from {
            continue;
        }
        let is_total = size == estimate.total;
        let ink = if is_total { Ink::Text } else { Ink::Muted };
        picture.shapes.push(Shape::Line(vec![(at, axis - 4.0), (at, axis + 4.0)], ink, 1.0));
        picture.shapes.push(Shape::Text(label, (center, axis + FONT_SIZE), Align::Center, ink));
        free_from = center + half + FONT_SIZE;
    }
}

#[cfg(test)]
mod tests {
    use nn_memory::{Overheads, Scenario, estimate};

    use super::*;

    fn laid_out(scenario: &Scenario, width: f64) -> (Estimate, Picture) {
        let estimate = estimate(scenario).expect("within limits");
        let measure = |text: &str| text.chars().count() as f64 * 7.0;
        let area = Area { width, height: 132.0 };
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
        let end = picture.hits.last().expect("parts").right;
        let whole = estimate.fit.reported.get() as f64 * 1.04;
        assert!((end / 800.0 - estimate.total.get() as f64 / whole).abs() < 1e-9);
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

    #[test]
    fn the_title_states_the_largest_part() {
        let (estimate, _) = laid_out(&Scenario::default(), 800.0);
        assert_eq!(title(&estimate), "Optimizer state is 42.7 % of the total");
    }
}
