//! A picture on a canvas: crisp on any screen, in the theme's colours, drawn once a frame.

use std::cell::{Cell, RefCell};

use leptos::html::Canvas;
use leptos::prelude::*;
use nn_memory::{Choice, Estimate, Model, PartKind, Scenario, UnitSystem, format_count};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::style::{Color, RGBColor, ShapeStyle};
use plotters_canvas::CanvasBackend;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use super::picture::{Align, Area, FONT_SIZE, Frame, Ink, Measure, Picture, Shape};
use crate::built::{Built, built};
use crate::form::Outcome;
use crate::page::Page;
use crate::platform::{self, BeforeFrame, Sight};
use crate::quiet::as_seen;
use crate::reactive::{Text, action, effect, put, text};
use crate::results::{device_name, slug};

const FONT: &str = "system-ui, sans-serif";

/// A colour, for plotters and as the canvas takes it.
struct Colour {
    plotted: RGBColor,
    /// JavaScript's own: a text of Rust's would be decoded at each label.
    style: JsValue,
}

/// The colours of the style sheet.
struct Palette {
    parts: [Colour; PartKind::ALL.len()],
    text: Colour,
    muted: Colour,
    grid: Colour,
    accent: Colour,
    limit: Colour,
    ground: Colour,
}

impl Palette {
    fn of_page() -> Self {
        let read = |name: &str| {
            let style = platform::style_value(name);
            Colour { plotted: parse_colour(&style).unwrap_or(RGBColor(128, 128, 128)), style: style.into() }
        };
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

    fn of(&self, ink: Ink) -> &Colour {
        match ink {
            Ink::Part(kind) => &self.parts[kind as usize],
            Ink::Text => &self.text,
            Ink::Muted => &self.muted,
            Ink::Grid => &self.grid,
            Ink::Accent => &self.accent,
            Ink::Limit => &self.limit,
            Ink::Ground => &self.ground,
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

/// A canvas that is ready to be drawn on, as many device pixels as it covers.
struct Surface {
    size: (u32, u32),
    ratio: f64,
    context: CanvasRenderingContext2d,
    /// How the last label stood.
    aligned: Cell<Option<Align>>,
    area: DrawingArea<CanvasBackend, Shift>,
}

impl Surface {
    /// The surface as it was, or another if the canvas covers more or fewer pixels now.
    fn of(canvas: &HtmlCanvasElement, area: Area, ratio: f64, before: Option<Self>) -> Option<Self> {
        let pixels = |length: f64| px(length, ratio).max(1).unsigned_abs();
        let size = (pixels(area.width), pixels(area.height));
        if before.as_ref().is_some_and(|before| before.size == size && before.ratio.total_cmp(&ratio).is_eq()) {
            return before;
        }
        canvas.set_width(size.0);
        canvas.set_height(size.1);
        let context: CanvasRenderingContext2d = canvas.get_context("2d").ok()??.dyn_into().ok()?;
        context.set_font(&format!("{}px {FONT}", FONT_SIZE * ratio));
        context.set_text_baseline("middle");
        let area = CanvasBackend::with_canvas_object(canvas.clone())?.into_drawing_area();
        Some(Self { size, ratio, context, aligned: Cell::new(None), area })
    }

    /// Draws the picture in place of what stands there.
    fn paint(&self, palette: &Palette, picture: &Picture, marker: Option<[(f64, f64); 2]>) -> Option<()> {
        self.context.clear_rect(0.0, 0.0, f64::from(self.size.0), f64::from(self.size.1));
        for shape in &picture.shapes {
            self.draw(shape, palette)?;
        }
        if let Some(ends) = marker {
            self.draw(&Shape::Line(ends.to_vec(), Ink::Text, 1.0), palette)?;
        }
        self.area.present().ok()
    }

    /// Draws the picture for a file, which has no page behind it.
    fn paint_framed(&self, palette: &Palette, frame: &Frame, picture: &Picture) -> Option<()> {
        self.area.fill(&palette.ground.plotted).ok()?;
        for shape in &frame.around.shapes {
            self.draw(shape, palette)?;
        }
        let (x, y) = frame.corner;
        self.context.translate(x * self.ratio, y * self.ratio).ok()?;
        for shape in &picture.shapes {
            self.draw(shape, palette)?;
        }
        self.area.present().ok()
    }

    fn draw(&self, shape: &Shape, palette: &Palette) -> Option<()> {
        let pixels = |length: f64| px(length, self.ratio);
        let point = |(x, y): (f64, f64)| (pixels(x), pixels(y));
        match shape {
            Shape::Rect([left, top, right, bottom], ink) => {
                let corners = [point((*left, *top)), point((*right, *bottom))];
                self.area.draw(&Rectangle::new(corners, palette.of(*ink).plotted.filled()))
            }
            Shape::Line(points, ink, width) => {
                let style: ShapeStyle = palette.of(*ink).plotted.stroke_width(pixels(*width).max(1).unsigned_abs());
                let points: Vec<_> = points.iter().copied().map(point).collect();
                self.area.draw(&PathElement::new(points, style))
            }
            Shape::Polygon(points, ink) => {
                let points: Vec<_> = points.iter().copied().map(point).collect();
                self.area.draw(&Polygon::new(points, palette.of(*ink).plotted.filled()))
            }
            Shape::Dot(center, radius, ink) => {
                self.area.draw(&Circle::new(point(*center), pixels(*radius), palette.of(*ink).plotted.filled()))
            }
            Shape::Text(text, at, align, ink) => return self.label(text, point(*at), *align, palette.of(*ink)),
        }
        .ok()
    }

    /// Writes a label. plotters would name font, alignment and colour again for each.
    #[expect(deprecated, reason = "what replaces it takes a text of Rust's")]
    fn label(&self, text: &str, (x, y): (i32, i32), align: Align, colour: &Colour) -> Option<()> {
        if self.aligned.replace(Some(align)) != Some(align) {
            self.context.set_text_align(align.name());
        }
        self.context.set_fill_style(&colour.style);
        self.context.fill_text(text, f64::from(x), f64::from(y)).ok()
    }

    /// How wide a text is, in CSS pixels.
    fn width_of(&self, text: &str) -> f64 {
        self.context.measure_text(text).map_or(FONT_SIZE / 2.0, |metrics| metrics.width() / self.ratio)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a cast to i32 saturates, far outside any canvas")]
fn px(length: f64, ratio: f64) -> i32 {
    (length * ratio).round() as i32
}

/// What holds until a colour or a size changes. A keystroke would spend more on asking for it than on drawing.
struct Look {
    appearance: usize,
    area: Area,
    /// Device pixels along one CSS pixel.
    ratio: f64,
    palette: Palette,
    /// Of each character seen so far, in CSS pixels.
    widths: RefCell<Vec<(char, f64)>>,
}

impl Look {
    /// None while the canvas covers nothing.
    fn of(canvas: &HtmlCanvasElement, appearance: usize) -> Option<Self> {
        let area = area_of(canvas);
        let look = || Self {
            appearance,
            area,
            ratio: window().device_pixel_ratio(),
            palette: Palette::of_page(),
            widths: RefCell::default(),
        };
        (area.width >= 1.0).then(look)
    }

    /// Measures with the canvas' own metrics; plotters would add spans to the page for it. A label is as wide as its
    /// characters: figures change at every keystroke, and digits stay.
    fn measure(&self, surface: &Surface, text: &str) -> f64 {
        let mut widths = self.widths.borrow_mut();
        let mut width_of = |character: char| {
            if let Some((_, width)) = widths.iter().find(|(known, _)| *known == character) {
                return *width;
            }
            let width = surface.width_of(character.encode_utf8(&mut [0; 4]));
            widths.push((character, width));
            width
        };
        text.chars().map(&mut width_of).sum()
    }
}

/// What the canvas covers, in CSS pixels. To know it, the browser has to lay the page out.
fn area_of(canvas: &HtmlCanvasElement) -> Area {
    Area { width: f64::from(canvas.client_width()), height: f64::from(canvas.client_height()) }
}

/// What stands on the canvas, and what it was drawn with.
#[derive(Default)]
struct Drawn {
    picture: Picture,
    look: Option<Look>,
    surface: Option<Surface>,
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
}

/// Lays a picture out.
pub type Layout = Box<dyn Fn(Area, Measure) -> Picture>;

/// Says something of an estimate.
type Words = fn(&Estimate, UnitSystem) -> String;

impl Chart {
    /// A chart of the estimate and the name of the device.
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
        Self { slug, title: follow(title), description: follow(description), layout: Box::new(layout) }
    }
}

/// A chart with its title, its read-out and its download.
///
/// `described_by` is the id of the table with the same figures, where it is shown.
pub fn chart(chart: Chart, page: Page, described_by: Option<&'static str>) -> Built {
    let Page { outcome, system, appearance, status, .. } = page;
    let Chart { slug: name, title, description, layout } = chart;
    let layout = StoredValue::new_local(layout);
    let canvas = NodeRef::<Canvas>::new();
    let drawn = StoredValue::new_local(Drawn::default());
    let selected = RwSignal::new(None::<usize>);

    let redraw = move || {
        let Some(canvas) = canvas.get_untracked() else { return };
        drawn.update_value(|drawn| {
            let appearance = appearance.get_untracked();
            let look = drawn.look.take().filter(|look| look.appearance == appearance);
            drawn.look = look.or_else(|| Look::of(&canvas, appearance));
            let Some(look) = &drawn.look else { return };
            let Look { area, ratio, .. } = *look;
            // A canvas that gives no context draws nothing; the table says the same.
            drawn.surface = Surface::of(&canvas, area, ratio, drawn.surface.take());
            let Some(surface) = &drawn.surface else { return };
            let measure = |text: &str| look.measure(surface, text);
            drawn.picture = layout.with_value(|layout| layout(area, &measure));
            let hit = selected.get_untracked().and_then(|index| drawn.picture.hits.get(index));
            let marker = hit.map(|hit| [(hit.marker, 0.0), (hit.marker, area.height)]);
            surface.paint(&look.palette, &drawn.picture, marker);
        });
    };
    let redrawn = StoredValue::new_local(BeforeFrame::new(redraw));
    // No frame comes before paper.
    platform::before_print(redraw);
    let near = RwSignal::new(true);
    let sight = StoredValue::new_local(None::<Sight>);
    effect(move || {
        let tell = move |is_near| put(near, is_near);
        sight.set_value(canvas.get().and_then(|canvas| Sight::of(&canvas, tell)));
    });
    let shown = as_seen(near, move || {
        outcome.track();
        system.track();
        appearance.track();
    });
    let follow = move |mut words: Text| {
        text(move || {
            shown.track();
            untrack(&mut *words)
        })
    };
    effect(move || {
        shown.track();
        selected.track();
        if canvas.get().is_some() {
            redrawn.with_value(BeforeFrame::ask);
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
        let Ok(Ok(file)) = document().create_element("canvas").map(JsCast::dyn_into::<HtmlCanvasElement>) else {
            return;
        };
        let painted = drawn.with_value(|drawn| {
            let (look, shown) = (drawn.look.as_ref()?, drawn.surface.as_ref()?);
            let measure = |text: &str| look.measure(shown, text);
            let title = outcome.with_untracked(|outcome| subject(&outcome.scenario));
            let figures = canvas.get_untracked()?.get_attribute("aria-label")?;
            let frame = Frame::of(look.area, &title, &figures, &measure);
            Surface::of(&file, frame.area, 2.0, None)?.paint_framed(&Palette::of_page(), &frame, &drawn.picture)
        });
        if painted.is_some() {
            platform::download_png(&file, &format!("nn-memory-{name}.png"));
            status.set(format!("Saved the chart as nn-memory-{name}.png."));
        }
    };

    built(view! {
        <figure class="chart">
            <figcaption class="chart-head">
                <h3>{follow(title)}</h3>
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
                aria-label=follow(description)
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
            <p class="read-out" role="status" data-testid=format!("read-out-{name}")>{text(read_out)}</p>
        </figure>
    })
}

/// What a file is of.
fn subject(scenario: &Scenario) -> String {
    let name = match scenario.model {
        Model::Named(model) => model.name,
        _ => "a network",
    };
    let (task, length) = (scenario.task.kind().label(), format_count(scenario.sequence_length));
    format!("Memory of {name}. {task}, batch {} × {length}", format_count(scenario.batch_size))
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
