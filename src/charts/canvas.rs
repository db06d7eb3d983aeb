//! A picture on a canvas: crisp on any screen, in the theme's colours, drawn once a frame.

use std::cell::RefCell;

use leptos::html::Canvas;
use leptos::prelude::*;
use nn_memory::{Estimate, PartKind, UnitSystem};
use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text as Label};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};
use plotters_canvas::CanvasBackend;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::picture::{Align, Area, FONT_SIZE, Ink, Measure, Picture, Shape};
use crate::built::{Built, built};
use crate::form::Outcome;
use crate::page::Page;
use crate::platform;
use crate::reactive::{Text, action, effect, text};
use crate::results::{device_name, slug};

const FONT: &str = "system-ui, sans-serif";

/// The colours of the style sheet.
struct Palette {
    parts: [RGBColor; PartKind::ALL.len()],
    text: RGBColor,
    muted: RGBColor,
    grid: RGBColor,
    accent: RGBColor,
    limit: RGBColor,
    ground: RGBColor,
}

impl Palette {
    fn of_page() -> Self {
        let read = |name: &str| parse_colour(&platform::style_value(name)).unwrap_or(RGBColor(128, 128, 128));
        Self {
            parts: PartKind::ALL.map(|kind| read(&format!("--part-{}", slug(kind)))),
            text: read("--text"),
            muted: read("--text-muted"),
            grid: read("--hairline"),
            accent: read("--accent"),
            limit: read("--limit"),
            ground: read("--ground"),
        }
    }

    fn of(&self, ink: Ink) -> RGBColor {
        match ink {
            Ink::Part(kind) => self.parts[kind as usize],
            Ink::Text => self.text,
            Ink::Muted => self.muted,
            Ink::Grid => self.grid,
            Ink::Accent => self.accent,
            Ink::Limit => self.limit,
            Ink::Ground => self.ground,
        }
    }
}

/// Reads `#rrggbb`, or `#rgb` as a minified style sheet has it.
fn parse_colour(text: &str) -> Option<RGBColor> {
    let digits = text.strip_prefix('#')?;
    let (width, scale) = match digits.len() {
        3 => (1, 17),
        6 => (2, 1),
        _ => return None,
    };
    let channel = |place: usize| {
        let value = u8::from_str_radix(digits.get(place * width..(place + 1) * width)?, 16).ok()?;
        Some(value * scale)
    };
    Some(RGBColor(channel(0)?, channel(1)?, channel(2)?))
}

/// Makes the canvas as many device pixels as it covers and draws the picture.
///
/// `background` is for a file, which has no page behind it.
fn paint(
    canvas: &HtmlCanvasElement,
    area: Area,
    ratio: f64,
    palette: &Palette,
    background: bool,
    picture: &Picture,
    marker: Option<f64>,
) -> Option<()> {
    let (width, height) = (px(area.width, ratio).max(1).unsigned_abs(), px(area.height, ratio).max(1).unsigned_abs());
    if (canvas.width(), canvas.height()) == (width, height) {
        context(canvas)?.clear_rect(0.0, 0.0, f64::from(width), f64::from(height));
    } else {
        canvas.set_width(width);
        canvas.set_height(height);
    }
    let surface = CanvasBackend::with_canvas_object(canvas.clone())?.into_drawing_area();
    if background {
        surface.fill(&palette.ground).ok()?;
    }
    for shape in &picture.shapes {
        draw(&surface, shape, palette, ratio)?;
    }
    if let Some(at) = marker {
        let line = Shape::Line(vec![(at, 0.0), (at, area.height)], Ink::Text, 1.0);
        draw(&surface, &line, palette, ratio)?;
    }
    surface.present().ok()
}

#[expect(clippy::cast_possible_truncation, reason = "a cast to i32 saturates, far outside any canvas")]
fn px(length: f64, ratio: f64) -> i32 {
    (length * ratio).round() as i32
}

fn draw<B: DrawingBackend>(
    surface: &DrawingArea<B, Shift>,
    shape: &Shape,
    palette: &Palette,
    ratio: f64,
) -> Option<()> {
    let point = |(x, y): (f64, f64)| (px(x, ratio), px(y, ratio));
    match shape {
        Shape::Rect([left, top, right, bottom], ink) => {
            let corners = [point((*left, *top)), point((*right, *bottom))];
            surface.draw(&Rectangle::new(corners, palette.of(*ink).filled()))
        }
        Shape::Line(points, ink, width) => {
            let style: ShapeStyle = palette.of(*ink).stroke_width(px(*width, ratio).max(1).unsigned_abs());
            let points: Vec<_> = points.iter().copied().map(point).collect();
            surface.draw(&PathElement::new(points, style))
        }
        Shape::Polygon(points, ink) => {
            let points: Vec<_> = points.iter().copied().map(point).collect();
            surface.draw(&Polygon::new(points, palette.of(*ink).filled()))
        }
        Shape::Dot(center, radius, ink) => {
            surface.draw(&Circle::new(point(*center), px(*radius, ratio), palette.of(*ink).filled()))
        }
        Shape::Text(text, at, align, ink) => {
            let horizontal = match align {
                Align::Left => HPos::Left,
                Align::Center => HPos::Center,
                Align::Right => HPos::Right,
            };
            let font = (FontFamily::Name(FONT), FONT_SIZE * ratio, FontStyle::Normal);
            let colour = palette.of(*ink);
            let style = TextStyle::from(font).color(&colour).pos(Pos::new(horizontal, VPos::Center));
            surface.draw(&Label::new(text.as_str(), point(*at), style))
        }
    }
    .ok()
}

/// What holds until colours or sizes change. A keystroke would spend more on asking for it than on drawing.
struct Look {
    appearance: usize,
    palette: Palette,
    widths: RefCell<Vec<(String, f64)>>,
}

/// More widths than this are of labels that are gone: a chart has fifty at the most.
const WIDTHS_KEPT: usize = 128;

impl Look {
    fn of_page(appearance: usize) -> Self {
        Self { appearance, palette: Palette::of_page(), widths: RefCell::default() }
    }

    /// Measures with the canvas' own metrics; plotters would add spans to the page for it.
    fn measure(&self, context: &CanvasRenderingContext2d, text: &str) -> f64 {
        let mut widths = self.widths.borrow_mut();
        if let Some((_, width)) = widths.iter().find(|(known, _)| known == text) {
            return *width;
        }
        context.set_font(&format!("{FONT_SIZE}px {FONT}"));
        let width = context.measure_text(text).map_or(text.len() as f64 * FONT_SIZE / 2.0, |metrics| metrics.width());
        if widths.len() >= WIDTHS_KEPT {
            widths.clear();
        }
        widths.push((text.to_owned(), width));
        width
    }
}

/// What stands on the canvas, and what it was drawn with.
#[derive(Default)]
struct Drawn {
    picture: Picture,
    look: Option<Look>,
}

fn context(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

/// A chart: its words, its picture, and what belongs under it.
pub struct Chart {
    /// Name in test ids, classes and files.
    pub slug: &'static str,
    /// What it shows, as its title.
    pub title: Text,
    /// Its figures in words.
    pub description: Text,
    /// Its picture of what the page holds now.
    pub layout: Layout,
    /// What its colours mean, where no table beside it says so.
    pub legend: Option<Built>,
}

/// Lays a picture out.
pub type Layout = Box<dyn Fn(Area, Measure) -> Picture>;

/// Says something of an estimate.
type Words = fn(&Estimate, UnitSystem) -> String;

impl Chart {
    /// A chart of the estimate and the name of the device, without a legend.
    pub(super) fn of_estimate(
        slug: &'static str,
        page: Page,
        title: Words,
        description: Words,
        layout: fn(&Estimate, &str, UnitSystem, Area, Measure) -> Picture,
    ) -> Self {
        let Page { outcome, system, .. } = page;
        let follow = move |words: Words| text(move || outcome.with(|outcome| words(&outcome.estimate, system.get())));
        let layout = move |area: Area, measure: Measure| {
            let system = system.get_untracked();
            outcome.with_untracked(|Outcome { estimate, scenario, .. }| {
                layout(estimate, &device_name(scenario, system), system, area, measure)
            })
        };
        Self { slug, title: follow(title), description: follow(description), layout: Box::new(layout), legend: None }
    }
}

/// A chart with its title, its read-out and its download.
///
/// `described_by` is the id of the table with the same figures, where it is shown.
pub fn chart(chart: Chart, page: Page, described_by: Option<&'static str>) -> Built {
    let Page { outcome, system, appearance, status, .. } = page;
    let Chart { slug: name, title, description, layout, legend } = chart;
    let layout = StoredValue::new_local(layout);
    let canvas = NodeRef::<Canvas>::new();
    let drawn = StoredValue::new_local(Drawn::default());
    let selected = RwSignal::new(None::<usize>);
    let scheduled = StoredValue::new(false);

    let area_of = move |canvas: &HtmlCanvasElement| Area {
        width: f64::from(canvas.client_width()),
        height: f64::from(canvas.client_height()),
    };
    let redraw = move || {
        // A chart may go between a change and the next frame.
        let Some(Some(canvas)) = canvas.try_get_untracked() else { return };
        scheduled.set_value(false);
        let area = area_of(&canvas);
        if area.width < 1.0 {
            return;
        }
        let Some(context) = context(&canvas) else { return };
        drawn.update_value(|drawn| {
            let appearance = appearance.get_untracked();
            let look = drawn.look.take().filter(|look| look.appearance == appearance);
            let look = drawn.look.insert(look.unwrap_or_else(|| Look::of_page(appearance)));
            let measure = |text: &str| look.measure(&context, text);
            drawn.picture = layout.with_value(|layout| layout(area, &measure));
            let marker = selected.get_untracked().and_then(|index| drawn.picture.hits.get(index)).map(|hit| hit.marker);
            // A canvas that gives no context draws nothing; the table says the same.
            paint(&canvas, area, window().device_pixel_ratio(), &look.palette, false, &drawn.picture, marker);
        });
    };
    effect(move || {
        outcome.track();
        system.track();
        appearance.track();
        selected.track();
        if canvas.get().is_some() && !scheduled.get_value() {
            scheduled.set_value(true);
            request_animation_frame(redraw);
        }
    });

    let read_out = move || {
        let text = selected
            .get()
            .and_then(|index| drawn.with_value(|drawn| drawn.picture.hits.get(index).map(|hit| (hit.text)())));
        text.unwrap_or_else(|| "Point at the chart or use the arrow keys to read it.".to_owned())
    };
    let point_at = move |event: leptos::ev::PointerEvent| {
        let index = drawn.with_value(|drawn| drawn.picture.hit_at(f64::from(event.offset_x())));
        if selected.get_untracked() != index {
            selected.set(index);
        }
    };
    let press = move |event: leptos::ev::KeyboardEvent| {
        let count = drawn.with_value(|drawn| drawn.picture.hits.len());
        let Some(last) = count.checked_sub(1) else { return };
        let next = match (event.key().as_str(), selected.get_untracked()) {
            ("ArrowRight", None) | ("Home", _) => Some(0),
            ("ArrowLeft", None) | ("End", _) => Some(last),
            ("ArrowRight", Some(index)) => Some((index + 1).min(last)),
            ("ArrowLeft", Some(index)) => Some(index.saturating_sub(1)),
            ("PageUp", index) => Some((index.unwrap_or(0) + 10).min(last)),
            ("PageDown", index) => Some(index.unwrap_or(last).saturating_sub(10)),
            ("Escape", _) => None,
            _ => return,
        };
        event.prevent_default();
        selected.set(next);
    };
    let download = move || {
        let Some(shown) = canvas.get_untracked() else { return };
        let Ok(Ok(file)) = document().create_element("canvas").map(JsCast::dyn_into::<HtmlCanvasElement>) else {
            return;
        };
        let painted = drawn
            .with_value(|drawn| paint(&file, area_of(&shown), 2.0, &Palette::of_page(), true, &drawn.picture, None));
        if painted.is_some() {
            platform::download_png(&file, &format!("nn-memory-{name}.png"));
            status.set(format!("Saved the chart as nn-memory-{name}.png."));
        }
    };

    built(view! {
        <figure class="chart">
            <figcaption class="chart-head">
                <h3>{title}</h3>
                <button
                    type="button"
                    class="quiet"
                    data-testid=format!("download-{name}")
                    aria-label=format!("Download the {name} chart as PNG")
                    on:click=action(download)
                >
                    "PNG"
                </button>
            </figcaption>
            <canvas
                class=format!("canvas canvas-{name}")
                node_ref=canvas
                role="img"
                tabindex="0"
                aria-label=description
                aria-describedby=described_by
                data-testid=format!("chart-{name}")
                on:pointermove=point_at
                on:pointerdown=point_at
                on:pointerleave=move |event| {
                    // A finger leaves as it is lifted; what it asked for stays.
                    if event.pointer_type() != "touch" {
                        selected.set(None);
                    }
                }
                on:blur=move |_| selected.set(None)
                on:keydown=press
            ></canvas>
            {legend}
            <p class="read-out" role="status" data-testid=format!("read-out-{name}")>{text(read_out)}</p>
        </figure>
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_from_custom_properties() {
        assert_eq!(parse_colour("#0072b2"), Some(RGBColor(0, 114, 178)));
        assert_eq!(parse_colour("#fa0"), Some(RGBColor(255, 170, 0)));
        for bad in ["", "0072b2", "#07", "#zzzzzz", "#0072b2ff", "#é72b2"] {
            assert_eq!(parse_colour(bad), None, "{bad}");
        }
    }
}
