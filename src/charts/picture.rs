//! What a chart draws, as data: laid out without a canvas, so that it can be tested without one.

use nn_memory::{Bytes, PartKind, UnitSystem};

use crate::results::capitalized;

/// A size in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// A colour by its meaning; the style sheet says what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// A part of memory.
    Part(PartKind),
    /// Words.
    Text,
    /// Words of less weight, axes.
    Muted,
    /// Grid lines.
    Grid,
    /// What can be acted on, the current point.
    Accent,
    /// The device's limit.
    Limit,
    /// The ground.
    Ground,
}

/// Where a text stands in relation to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// The point is its left end.
    Left,
    /// The point is its middle.
    Center,
    /// The point is its right end.
    Right,
}

impl Align {
    /// Its name on a canvas.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Center => "center",
            Self::Right => "right",
        }
    }
}

/// One thing to draw, in CSS pixels.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A filled rectangle: left, top, right, bottom.
    Rect([f64; 4], Ink),
    /// A line through these points, of this width.
    Line(Vec<(f64, f64)>, Ink, f64),
    /// A filled area within these points.
    Polygon(Vec<(f64, f64)>, Ink),
    /// A filled circle.
    Dot((f64, f64), f64, Ink),
    /// A text, its middle at the height of the point.
    Text(String, (f64, f64), Align, Ink),
}

/// A place of the chart that can be read out.
pub struct Hit {
    /// From here, in CSS pixels from the left.
    pub left: f64,
    /// To here.
    pub right: f64,
    /// Where the marker stands.
    pub marker: f64,
    /// What it says, put together when someone asks: of dozens nobody does at most keystrokes.
    pub text: Box<dyn Fn() -> String>,
}

/// A chart, laid out.
#[derive(Default)]
pub struct Picture {
    /// What to draw, in order.
    pub shapes: Vec<Shape>,
    /// What can be read out, from left to right.
    pub hits: Vec<Hit>,
}

impl Picture {
    /// The hit at this distance from the left, or the nearest.
    pub fn hit_at(&self, x: f64) -> Option<usize> {
        let distance = |hit: &Hit| (hit.left - x).max(x - hit.right).max(0.0);
        (0..self.hits.len()).min_by(|&a, &b| distance(&self.hits[a]).total_cmp(&distance(&self.hits[b])))
    }
}

/// The distance of round ticks, five at most, and the last of them at or above `most`.
pub fn scale(most: u64, system: UnitSystem) -> (f64, f64) {
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

/// What stands at a tick.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ticks are positive; the largest saturates"
)]
pub fn tick_label(tick: f64, system: UnitSystem) -> String {
    if tick < 1.0 { "0".to_owned() } else { Bytes::new(tick as u64).display(system).short() }
}

/// From one line of words to the next.
pub const LINE: f64 = 20.0;

/// Names parts beside squares of their colours, in lines from `middle` on; where the next line would stand.
pub fn legend(picture: &mut Picture, parts: &[PartKind], width: f64, mut middle: f64, measure: Measure) -> f64 {
    let mut left = 0.0;
    for &kind in parts {
        let name = capitalized(kind.name());
        let room = 1.3 * FONT_SIZE + measure(&name);
        if left > 0.0 && left + room > width {
            (left, middle) = (0.0, middle + LINE);
        }
        let square = [left, middle - 5.5, left + 11.0, middle + 5.5];
        picture.shapes.push(Shape::Rect(square, Ink::Part(kind)));
        picture.shapes.push(Shape::Text(name, (left + 1.3 * FONT_SIZE, middle), Align::Left, Ink::Text));
        left += room + FONT_SIZE;
    }
    if parts.is_empty() { middle } else { middle + LINE }
}

/// A picture as a file, which has no page around it: title above it, figures under it, room on every side.
pub struct Frame {
    /// The words around the picture.
    pub around: Picture,
    /// The size of it all.
    pub area: Area,
    /// Where the picture's own corner comes to stand.
    pub corner: (f64, f64),
}

impl Frame {
    /// Puts a picture of this size into a frame.
    pub fn of(picture: Area, title: &str, figures: &str, measure: Measure) -> Self {
        const PADDING: f64 = 16.0;
        let mut around = Picture::default();
        let mut middle = PADDING + LINE / 2.0;
        let mut corner = 0.0;
        for (text, ink) in [(title, Ink::Text), (figures, Ink::Muted)] {
            for line in lines(text, picture.width, measure) {
                around.shapes.push(Shape::Text(line, (PADDING, middle), Align::Left, ink));
                middle += LINE;
            }
            if ink == Ink::Text {
                corner = middle;
                middle += picture.height + LINE;
            }
        }
        let area = Area { width: picture.width + 2.0 * PADDING, height: middle - LINE / 2.0 + PADDING };
        Self { around, area, corner: (PADDING, corner) }
    }
}

/// Breaks a text between words into lines of this width.
fn lines(text: &str, width: f64, measure: Measure) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if measure(line) + measure(" ") + measure(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Measures a text of the chart's font size in CSS pixels.
pub type Measure<'a> = &'a dyn Fn(&str) -> f64;

/// Size of the chart's text in CSS pixels.
pub const FONT_SIZE: f64 = 13.0;

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURE: Measure = &|text: &str| text.chars().count() as f64 * 7.0;

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

    /// Files of the breakdown had no word of what they show.
    #[test]
    fn a_file_has_its_title_and_its_figures_within_its_edges() {
        for width in [280.0, 800.0] {
            let area = Area { width, height: 132.0 };
            let figures = "Stacked bar: total 1.92 GiB of 12.00 GiB usable. ".repeat(4);
            let frame = Frame::of(area, "Memory of BERT base, training, batch 32 × 128", &figures, MEASURE);
            assert!(frame.corner.0 > 0.0 && frame.corner.1 > 0.0);
            let mut text = String::new();
            for shape in &frame.around.shapes {
                let Shape::Text(words, (x, y), ..) = shape else { continue };
                assert!(x + MEASURE(words) <= frame.area.width && y + FONT_SIZE / 2.0 < frame.area.height, "{words}");
                assert!(*y < frame.corner.1 || *y > frame.corner.1 + area.height, "{words} is clear of the picture");
                text.push_str(words);
                text.push(' ');
            }
            for words in ["Memory of BERT base, training, batch 32 × 128", "total 1.92 GiB of 12.00 GiB"] {
                assert!(text.contains(words), "{text}");
            }
        }
    }

    #[test]
    fn a_legend_stays_within_its_width() {
        for width in [280.0, 800.0] {
            let mut picture = Picture::default();
            let next = legend(&mut picture, &PartKind::ALL, width, 10.0, MEASURE);
            let mut last = (0.0, 0.0);
            for shape in &picture.shapes {
                let Shape::Text(words, (x, y), ..) = shape else { continue };
                assert!(x + MEASURE(words) <= width && (*y, *x) > last && *y < next, "{words}");
                last = (*y, x + MEASURE(words));
            }
        }
    }
}
