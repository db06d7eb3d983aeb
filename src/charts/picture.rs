//! What a chart draws, as data: laid out without a canvas, so that it can be tested without one.

use nn_memory::PartKind;

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

/// Measures a text of the chart's font size in CSS pixels.
pub type Measure<'a> = &'a dyn Fn(&str) -> f64;

/// Size of the chart's text in CSS pixels.
pub const FONT_SIZE: f64 = 13.0;
