//! Parts of the page, each mounted alone in a browser and used as a reader would use it. What a part consists of is found by
//! role, label or test id, never by its place.
//!
//! `cargo xtask test wasm` runs these. What needs the built page (styles, links, keyboard, frames) is in `tests/browser`.
#![cfg(target_arch = "wasm32")]

use std::any::Any;
use std::cell::Cell;
use std::rc::Rc;

use leptos::mount::mount_to;
use leptos::prelude::*;
use nn_memory::{Bytes, Field, UnitSystem};
use nn_memory_calculator::App;
use nn_memory_calculator::charts::{breakdown, chart, sweep};
use nn_memory_calculator::form::{Fields, Texts, essentials, rest};
use nn_memory_calculator::page::Page;
use nn_memory_calculator::results::{TABLE_ID, actions, head, notes, table};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Element, Event, HtmlElement, HtmlInputElement, HtmlSelectElement};

wasm_bindgen_test_configure!(run_in_browser);

/// A part of the page in a place of its own; gone when dropped.
struct Stage {
    root: HtmlElement,
    _mounted: Box<dyn Any>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.root.remove();
    }
}

fn place() -> HtmlElement {
    let root: HtmlElement = document().create_element("div").expect("a div").unchecked_into();
    document().body().expect("a body").append_child(&root).expect("to take a child");
    root
}

/// Mounts what `view` makes of a new page.
async fn stage<V: IntoView + 'static>(view: impl FnOnce(Page) -> V + 'static) -> (Stage, Page) {
    let root = place();
    let slot = Rc::new(Cell::new(None));
    let inner = Rc::clone(&slot);
    let mounted = mount_to(root.clone(), move || {
        let page = Page::new(&Texts::default(), UnitSystem::Binary);
        inner.set(Some(page));
        view(page).into_any()
    });
    tick().await;
    (Stage { root, _mounted: Box::new(mounted) }, slot.get().expect("mounted at once"))
}

async fn form() -> (Stage, Page) {
    stage(|page| {
        view! {
            {essentials(page)}
            {rest(page)}
        }
    })
    .await
}

impl Stage {
    fn all(&self, selector: &str) -> Vec<Element> {
        all(&self.root, selector)
    }

    #[track_caller]
    fn by_test_id(&self, id: &str) -> HtmlElement {
        self.only(&format!("[data-testid='{id}']"))
    }

    #[track_caller]
    fn only(&self, selector: &str) -> HtmlElement {
        let mut found = self.all(selector);
        assert_eq!(found.len(), 1, "{selector}");
        found.remove(0).unchecked_into()
    }

    /// The control that the label with these words belongs to.
    #[track_caller]
    fn by_label(&self, label: &str) -> HtmlElement {
        let label = self.all("label").into_iter().find(|element| text(element) == label).expect("a label");
        let id = label.get_attribute("for").expect("a label of a control beside it");
        self.only(&format!("[id='{id}']"))
    }

    #[track_caller]
    fn button(&self, name: &str) -> HtmlElement {
        let mut found: Vec<_> = self
            .all("button")
            .into_iter()
            .filter(|button| button.get_attribute("aria-label").unwrap_or_else(|| text(button)) == name)
            .collect();
        assert_eq!(found.len(), 1, "buttons named {name}");
        found.remove(0).unchecked_into()
    }

    /// Types a text over what an input holds.
    #[track_caller]
    fn type_into(&self, id: &str, text: &str) {
        let input: HtmlInputElement = self.by_test_id(id).unchecked_into();
        input.set_value(text);
        send(&input, "input");
    }

    #[track_caller]
    fn pick(&self, id: &str, key: &str) {
        let select: HtmlSelectElement = self.by_test_id(id).unchecked_into();
        select.set_value(key);
        assert_eq!(select.value(), key, "an option of {id}");
        send(&select, "change");
    }

    #[track_caller]
    fn value(&self, id: &str) -> String {
        self.by_test_id(id).unchecked_into::<HtmlInputElement>().value()
    }

    #[track_caller]
    fn is_shown(&self, id: &str) -> bool {
        is_shown(&self.by_test_id(id))
    }

    /// The text of the elements that describe this one, those in sight only.
    fn description(&self, element: &Element) -> String {
        let ids = element.get_attribute("aria-describedby").unwrap_or_default();
        let parts = ids.split_whitespace().map(|id| self.only(&format!("[id='{id}']")));
        parts.filter(is_shown).map(|part| text(&part)).collect::<Vec<_>>().join(" ")
    }

    /// The cells of a row of the table, without the button.
    #[track_caller]
    fn row(&self, id: &str) -> [String; 3] {
        let cells = all(&self.by_test_id(id), "th, td");
        [0, 1, 2].map(|index| text(&cells[index]))
    }
}

/// What the selector finds within an element, by way of an array: no type of web-sys that the page does not need.
fn all(within: &Element, selector: &str) -> Vec<Element> {
    let find: js_sys::Function =
        js_sys::Reflect::get(within, &"querySelectorAll".into()).expect("a method").unchecked_into();
    let found = find.call1(within, &selector.into()).expect("a selector");
    js_sys::Array::from(&found).iter().map(JsCast::unchecked_into).collect()
}

/// What an element says, with every space a plain one.
fn text(element: &Element) -> String {
    element.text_content().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_shown(element: &HtmlElement) -> bool {
    element.get_bounding_client_rect().height() > 0.0
}

/// Sends an event that bubbles, as those of a reader do.
fn send(target: &HtmlElement, kind: &str) {
    dispatch(target, "Event", kind, &[]);
}

fn press(target: &HtmlElement, key: &str, shift: bool) {
    dispatch(target, "KeyboardEvent", "keydown", &[("key", key.into()), ("shiftKey", shift.into())]);
}

fn dispatch(target: &HtmlElement, class: &str, kind: &str, settings: &[(&str, JsValue)]) {
    let init = js_sys::Object::new();
    let usual = [("bubbles", JsValue::TRUE), ("cancelable", JsValue::TRUE)];
    for (key, value) in usual.iter().chain(settings) {
        js_sys::Reflect::set(&init, &(*key).into(), value).expect("an object takes any key");
    }
    let class: js_sys::Function =
        js_sys::Reflect::get(&js_sys::global(), &class.into()).expect("a class").unchecked_into();
    let event = js_sys::Reflect::construct(&class, &js_sys::Array::of2(&kind.into(), &init)).expect("an event");
    target.dispatch_event(&event.unchecked_into::<Event>()).expect("to be dispatched");
}

/// Waits until what follows from a change has been shown: effects wait for memos, which wait for signals.
async fn tick() {
    for _ in 0..3 {
        leptos::task::tick().await;
    }
}

/// Waits until the browser has drawn a frame.
async fn frame() {
    let drawn = js_sys::Promise::new(&mut |resolve, _| {
        window().request_animation_frame(&resolve).expect("a frame");
    });
    JsFuture::from(drawn).await.expect("never refused");
    tick().await;
}

fn total(page: Page) -> Bytes {
    page.outcome.with_untracked(|outcome| outcome.estimate.total)
}

fn is_stale(page: Page) -> bool {
    page.fields.with_untracked(Fields::any_error)
}

fn held(page: Page, field: Field) -> String {
    page.form.text(field).get_untracked()
}

// --- inputs

#[wasm_bindgen_test]
async fn every_control_has_a_name_and_a_help_text() {
    let (stage, _page) = form().await;
    let controls = stage.all("input[type='text'], select, [role='radiogroup'], [role='switch']");
    assert!(controls.len() >= 21, "{} controls", controls.len());
    for control in controls {
        let id = control.get_attribute("data-testid").expect("a test id");
        let labelled = control.get_attribute("aria-labelledby");
        let name = match labelled {
            Some(label) => text(&stage.only(&format!("[id='{label}']"))),
            None if control.closest("label").expect("a selector").is_some() => {
                text(&control.closest("label").expect("a selector").expect("a label"))
            }
            None => text(&stage.only(&format!("label[for='{id}']"))),
        };
        assert!(!name.is_empty(), "{id}");
        let help = control.get_attribute("aria-describedby").expect("a description");
        let help = help.split_whitespace().last().expect("an id").to_owned();
        assert!(!text(&stage.only(&format!("[id='{help}']"))).is_empty(), "{id}");
    }
}

#[wasm_bindgen_test]
async fn what_is_typed_becomes_the_scenario() {
    let (stage, page) = form().await;
    let before = total(page);
    stage.type_into("input-params", "7B");
    tick().await;
    assert_eq!(held(page, Field::Parameters), "7B");
    assert!(total(page) > before);
    assert_eq!(page.outcome.with_untracked(|outcome| outcome.scenario.parameters), 7_000_000_000);
}

#[wasm_bindgen_test]
async fn who_follows_what_stays_as_it_is_is_left_alone() {
    let (stage, page) = form().await;
    let runs = Rc::new(Cell::new(0));
    let count = Rc::clone(&runs);
    let following = Owner::new();
    following.with(|| {
        Effect::new(move || {
            page.fields.track();
            count.set(count.get() + 1);
        });
    });
    tick().await;
    for (text, expected) in [("7B", 1), ("8B", 1), ("many", 2), ("9B", 3), ("10B", 3)] {
        stage.type_into("input-params", text);
        tick().await;
        assert_eq!(runs.get(), expected, "{text}");
    }
}

#[wasm_bindgen_test]
async fn a_short_number_is_read_back_in_full() {
    let (stage, _page) = form().await;
    stage.type_into("input-params", "1.5e9");
    tick().await;
    let field = stage.by_label("Parameters").closest("[class~='field']").expect("a selector").expect("the field");
    assert!(text(&field).contains("= 1,500,000,000"), "{}", text(&field));
}

#[wasm_bindgen_test]
async fn a_text_that_is_no_number_is_kept_marked_and_explained() {
    let (stage, page) = form().await;
    let before = total(page);
    let input = stage.by_label("Batch size");
    assert!(!stage.is_shown("error-batch"));
    assert_eq!(input.get_attribute("aria-invalid"), None);

    stage.type_into("input-batch", "many");
    tick().await;
    assert_eq!(stage.value("input-batch"), "many");
    assert_eq!(input.get_attribute("aria-invalid").as_deref(), Some("true"));
    assert!(stage.is_shown("error-batch"));
    let described = stage.description(&input);
    assert!(described.contains("“many” is not a number. Try 32 or 4,096."), "{described}");
    assert_eq!(total(page), before);
    assert!(is_stale(page));

    stage.type_into("input-batch", "64");
    tick().await;
    assert_eq!(input.get_attribute("aria-invalid"), None);
    assert!(!stage.is_shown("error-batch"));
    assert!(total(page) > before);
}

#[wasm_bindgen_test]
async fn a_number_beyond_its_limits_is_refused_not_clamped() {
    let (stage, page) = form().await;
    for (id, given, message) in [
        ("batch", "0", "Batch size must be 1 to 1,000,000,000, got 0."),
        ("workspace", "96", "Workspace must be 0 to 95, got 96."),
        ("params", "", "Needs a value. Try 7B, 1.5e9 or 25,000,000."),
    ] {
        stage.type_into(&format!("input-{id}"), given);
        tick().await;
        assert_eq!(stage.value(&format!("input-{id}")), given);
        assert_eq!(text(&stage.by_test_id(&format!("error-{id}"))), message);
    }
    assert!(is_stale(page));
}

#[wasm_bindgen_test]
async fn the_arrow_keys_step_a_number() {
    let (stage, page) = form().await;
    let batch = stage.by_test_id("input-batch");
    for (key, shift, expected) in
        [("ArrowUp", false, "64"), ("ArrowUp", true, "512"), ("ArrowDown", false, "256"), ("ArrowDown", true, "32")]
    {
        press(&batch, key, shift);
        tick().await;
        assert_eq!(stage.value("input-batch"), expected, "{key}, shift: {shift}");
        assert_eq!(held(page, Field::BatchSize), expected);
    }
    stage.type_into("input-batch", "many");
    press(&batch, "ArrowUp", false);
    tick().await;
    assert_eq!(stage.value("input-batch"), "many");
}

#[wasm_bindgen_test]
async fn a_select_offers_every_option_and_takes_one() {
    let (stage, page) = form().await;
    let select = stage.by_label("Parameter precision");
    assert_eq!(all(&select, "option").len(), 8);
    assert_eq!(stage.value("input-precision"), "fp32");
    let before = total(page);
    stage.pick("input-precision", "fp16");
    tick().await;
    assert_eq!(held(page, Field::ParameterPrecision), "fp16");
    assert!(total(page) < before);
}

#[wasm_bindgen_test]
async fn a_form_filled_from_elsewhere_shows_it() {
    let (stage, page) = form().await;
    let mut texts = Texts::default();
    texts[Field::Parameters] = "70B".into();
    texts[Field::ParameterPrecision] = "int8".into();
    texts[Field::Task] = "inference".into();
    page.form.fill(&texts);
    tick().await;
    assert_eq!(stage.value("input-params"), "70B");
    assert_eq!(stage.value("input-precision"), "int8");
    let inference: HtmlInputElement = stage.only("input[value='inference']").unchecked_into();
    assert!(inference.checked());
}

#[wasm_bindgen_test]
async fn segments_are_a_group_of_radio_buttons() {
    let (stage, page) = form().await;
    let group = stage.by_test_id("input-task");
    assert_eq!(group.get_attribute("role").as_deref(), Some("radiogroup"));
    let radios: Vec<HtmlInputElement> =
        stage.all("[data-testid='input-task'] input[type='radio']").into_iter().map(JsCast::unchecked_into).collect();
    assert_eq!(radios.iter().map(HtmlInputElement::value).collect::<Vec<_>>(), ["training", "lora", "inference"]);
    assert!(radios.iter().all(|radio| radio.name() == radios[0].name()));
    assert!(radios[0].checked());
    radios[2].click();
    tick().await;
    assert_eq!(held(page, Field::Task), "inference");
    assert!(radios[2].checked() && !radios[0].checked());
}

#[wasm_bindgen_test]
async fn an_input_that_plays_no_part_is_hidden() {
    let (stage, _page) = form().await;
    let shown = |ids: &[&str]| ids.iter().map(|id| stage.is_shown(&format!("input-{id}"))).collect::<Vec<_>>();

    assert_eq!(shown(&["optimizer", "state-precision", "gradient-precision"]), [true; 3]);
    assert_eq!(shown(&["optimizer-factor", "master-weights", "units-per-token", "device-memory"]), [false; 4]);

    stage.pick("input-optimizer", "custom");
    stage.pick("input-precision", "bf16");
    stage.pick("input-device", "custom");
    stage.only("input[value='units']").click();
    tick().await;
    assert_eq!(shown(&["optimizer-factor", "master-weights", "units-per-token", "device-memory"]), [true; 4]);
    assert_eq!(shown(&["layers", "hidden-size", "activation-multiple"]), [false; 3]);

    stage.pick("input-optimizer", "adam8bit");
    tick().await;
    assert_eq!(shown(&["optimizer-factor", "state-precision"]), [false; 2]);

    stage.only("input[value='inference']").click();
    tick().await;
    assert_eq!(shown(&["optimizer", "state-precision", "gradient-precision", "master-weights"]), [false; 4]);
}

#[wasm_bindgen_test]
async fn an_unreadable_input_that_plays_no_part_does_not_matter() {
    let (stage, page) = form().await;
    stage.type_into("input-layers", "a dozen");
    tick().await;
    assert!(is_stale(page));
    stage.only("input[value='units']").click();
    tick().await;
    assert!(!is_stale(page));
}

#[wasm_bindgen_test]
async fn a_switch_says_yes_and_no() {
    let (stage, page) = form().await;
    stage.pick("input-precision", "fp16");
    tick().await;
    let switch: HtmlInputElement = stage.by_test_id("input-master-weights").unchecked_into();
    assert_eq!(switch.get_attribute("role").as_deref(), Some("switch"));
    assert!(!switch.checked());
    switch.click();
    tick().await;
    assert_eq!(held(page, Field::MasterWeights), "yes");
    switch.click();
    tick().await;
    assert_eq!(held(page, Field::MasterWeights), "no");
}

#[wasm_bindgen_test]
async fn realistic_overheads_are_three_inputs_at_once() {
    let (stage, _page) = form().await;
    let switch: HtmlInputElement = stage.by_test_id("realistic-overheads").unchecked_into();
    let values = || ["workspace", "fragmentation", "context"].map(|id| stage.value(&format!("input-{id}")));
    switch.click();
    tick().await;
    assert_eq!(values(), ["10", "15", "500"]);
    assert!(switch.checked());
    stage.type_into("input-context", "600");
    tick().await;
    assert!(!switch.checked(), "other figures are not the realistic ones");
    stage.type_into("input-context", "500");
    tick().await;
    assert!(switch.checked());
    switch.click();
    tick().await;
    assert_eq!(values(), ["0", "0", "0"]);
}

#[wasm_bindgen_test]
async fn help_opens_on_demand() {
    let (stage, _page) = form().await;
    let button = stage.button("About sequence length");
    let help = stage.only(&format!("[id='{}']", button.get_attribute("aria-controls").expect("what it opens")));
    assert_eq!(button.get_attribute("aria-expanded").as_deref(), Some("false"));
    assert!(!is_shown(&help));
    button.click();
    tick().await;
    assert_eq!(button.get_attribute("aria-expanded").as_deref(), Some("true"));
    assert!(is_shown(&help));
    button.click();
    tick().await;
    assert!(!is_shown(&help));
}

// --- results

#[wasm_bindgen_test]
async fn the_table_lists_parts_total_and_system_memory() {
    let (stage, page) = stage(table).await;
    page.form.set(Field::ActivationMode, "units");
    tick().await;
    assert_eq!(stage.row("row-parameters"), ["Parameters", "419.62 MiB", "21.3"]);
    assert_eq!(stage.row("row-optimizer-state"), ["Optimizer state", "839.23 MiB", "42.7"]);
    assert_eq!(stage.row("row-gradients"), ["Gradients", "419.62 MiB", "21.3"]);
    assert_eq!(stage.row("row-activations"), ["Activations", "289.06 MiB", "14.7"]);
    assert_eq!(stage.row("row-total"), ["Total", "1,967.53 MiB", "100.0"]);
    // 12 GiB of device memory × 1.25.
    assert_eq!(stage.row("system-memory"), ["System RAM to have", "15.00 GiB", ""]);
}

#[wasm_bindgen_test]
async fn units_change_with_the_system() {
    let (stage, page) = stage(|page| view! { {head(page)}{table(page)} }).await;
    assert_eq!(text(&stage.by_test_id("total")), "1.92 GiB");
    page.system.set(UnitSystem::Decimal);
    tick().await;
    assert_eq!(text(&stage.by_test_id("total")), "2.06 GB");
    assert_eq!(stage.row("row-parameters")[1], "440.00 MB");
    assert!(!text(&stage.root).contains("iB"), "{}", text(&stage.root));
}

#[wasm_bindgen_test]
async fn every_row_shows_its_work_on_demand() {
    let (stage, _page) = stage(table).await;
    let buttons = stage.all("button[aria-expanded]");
    assert_eq!(buttons.len(), 11, "nine parts, the total, the system's memory");
    for button in buttons {
        let button: HtmlElement = button.unchecked_into();
        let work = stage.only(&format!("[id='{}']", button.get_attribute("aria-controls").expect("what it opens")));
        assert!(!is_shown(&work));
        button.click();
        tick().await;
        assert_eq!(button.get_attribute("aria-expanded").as_deref(), Some("true"));
        assert!(is_shown(&work));
    }
    let work = text(&stage.by_test_id("work-parameters"));
    assert!(work.contains("P × b_P") && work.contains("110,000,000 × 4 B = 440,000,000 B"), "{work}");
}

#[wasm_bindgen_test]
async fn the_head_says_whether_it_fits() {
    let (stage, page) = stage(head).await;
    let fit = stage.by_test_id("fit");
    for (parameters, verdict, words) in [
        ("110M", "fits", "Fits RTX 3060 12 GB: 10.08 GiB free"),
        ("760M", "tight", "Tight on RTX 3060 12 GB:"),
        ("7B", "does-not-fit", "Does not fit RTX 3060 12 GB:"),
    ] {
        page.form.set(Field::Parameters, parameters);
        tick().await;
        assert_eq!(fit.get_attribute("data-verdict").as_deref(), Some(verdict));
        assert!(text(&fit).contains(words), "{}", text(&fit));
    }
}

#[wasm_bindgen_test]
async fn the_last_result_is_labelled_while_an_input_cannot_be_read() {
    let (stage, page) = stage(head).await;
    assert!(!stage.is_shown("stale"));
    page.form.set(Field::Parameters, "lots");
    tick().await;
    assert!(stage.is_shown("stale"));
    assert_eq!(text(&stage.by_test_id("total")), "1.92 GiB");
    page.form.set(Field::Parameters, "220M");
    tick().await;
    assert!(!stage.is_shown("stale"));
    assert_eq!(text(&stage.by_test_id("total")), "3.56 GiB");
}

#[wasm_bindgen_test]
async fn a_reset_can_be_taken_back() {
    let (stage, page) = stage(actions).await;
    assert!(!stage.is_shown("undo"));
    page.form.set(Field::Parameters, "7B");
    page.form.set(Field::BatchSize, "many");
    tick().await;

    stage.button("Reset").click();
    tick().await;
    assert_eq!([Field::Parameters, Field::BatchSize].map(|field| held(page, field)), ["110M", "32"]);
    assert_eq!(page.status.get_untracked(), "Reset every input to its default.");
    assert!(stage.is_shown("undo"));

    stage.button("Undo reset").click();
    tick().await;
    assert_eq!([Field::Parameters, Field::BatchSize].map(|field| held(page, field)), ["7B", "many"]);
    assert_eq!(page.status.get_untracked(), "Put your inputs back.");
    assert!(!stage.is_shown("undo"));
}

#[wasm_bindgen_test]
async fn notes_name_the_device_and_what_it_reports() {
    let (stage, page) = stage(notes).await;
    let note = || text(&stage.by_test_id("device-note"));
    assert!(note().contains("RTX 3060 12 GB: advertised 12.00 GiB, reported by the driver 12.00 GiB"), "{}", note());
    page.form.set(Field::Device, "custom");
    page.form.set(Field::DeviceMemory, "48 GiB");
    tick().await;
    assert!(note().contains("A 48 GiB device: advertised 48.00 GiB"), "{}", note());
}

#[wasm_bindgen_test]
async fn a_chart_has_a_role_a_name_with_figures_and_a_description() {
    let (stage, page) = stage(|page| {
        let described_by = Some(TABLE_ID);
        view! {
            {table(page)}
            {chart(breakdown(page), page, described_by)}
            {chart(sweep(page), page, described_by)}
        }
    })
    .await;
    let canvases = stage.all("canvas");
    assert_eq!(canvases.len(), 2);
    let names =
        || canvases.iter().map(|canvas| canvas.get_attribute("aria-label").expect("a name")).collect::<Vec<_>>();
    for (canvas, name) in canvases.iter().zip(names()) {
        assert_eq!(canvas.get_attribute("role").as_deref(), Some("img"));
        assert!(name.contains("1.92 GiB"), "{name}");
        let table = canvas.get_attribute("aria-describedby").expect("a description");
        assert_eq!(stage.only(&format!("[id='{table}']")), stage.by_test_id("table"));
    }
    page.form.set(Field::Parameters, "220M");
    tick().await;
    for name in names() {
        assert!(name.contains("3.56 GiB"), "{name}");
    }
    // Charts are drawn with the next frame; they must still stand then.
    frame().await;
}

// --- the whole

#[wasm_bindgen_test]
async fn the_calculator_mounts_whole_and_answers() {
    let root = place();
    // The calculator listens to the window for as long as the page stands: it is never taken down.
    mount_to(root.clone(), App).forget();
    let stage = Stage { root, _mounted: Box::new(()) };
    tick().await;
    assert_eq!(text(&stage.by_test_id("total")), "1.92 GiB");
    assert!(!stage.is_shown("notice"));
    stage.type_into("input-batch", "64");
    tick().await;
    assert_eq!(text(&stage.by_test_id("total")), "2.20 GiB");
    assert_eq!(stage.all("[data-testid^='example-']").len(), 8);
}
