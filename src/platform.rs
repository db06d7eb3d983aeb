//! Every call to the browser that is not an event of a component.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{
    DataTransfer, Element, File, HtmlAnchorElement, HtmlElement, HtmlInputElement, HtmlTextAreaElement,
    IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit, Storage, Window,
};

/// A theme as picked: the system's, or one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// Every theme, in the order in which the button goes through them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Value of `data-theme` and of the stored setting.
    pub const fn key(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The next in [`Theme::ALL`].
    pub const fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

const THEME_KEY: &str = "nn-memory:theme";

fn root() -> Option<HtmlElement> {
    document().document_element()?.dyn_into().ok()
}

/// The theme in force: the early script of the page has read it from the link or the store.
pub fn theme() -> Theme {
    let key = root().and_then(|root| root.get_attribute("data-theme")).unwrap_or_default();
    Theme::ALL.into_iter().find(|theme| theme.key() == key).unwrap_or(Theme::System)
}

fn put_in_force(theme: Theme) {
    if let Some(root) = root() {
        // An element takes any attribute whose name is valid.
        let _ = root.set_attribute("data-theme", theme.key());
    }
}

/// Puts a theme in force and remembers it where the browser allows.
pub fn set_theme(theme: Theme) {
    put_in_force(theme);
    if let Some(storage) = storage() {
        // Storage may be full or forbidden: the theme then lasts until the page is closed.
        let _ = storage.set_item(THEME_KEY, theme.key());
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// Puts the mark of a group of radio buttons back to this option: the browser moves it before the page can refuse.
pub fn pick(group: &str, value: &str) {
    let selector = format!("input[name=\"{group}\"][value=\"{value}\"]");
    let option = document().query_selector(&selector).ok().flatten();
    if let Some(option) = option.and_then(|option| option.dyn_into::<HtmlInputElement>().ok()) {
        option.set_checked(true);
    }
}

/// How long ago the visitor asked for the page.
pub fn since_navigation() -> Duration {
    let now = window().performance().map_or(0.0, |performance| performance.now());
    Duration::try_from_secs_f64(now / 1000.0).unwrap_or_default()
}

/// The query of the address, with its question mark.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// The address without query and fragment.
pub fn address() -> String {
    let location = window().location();
    let (origin, path) = (location.origin().unwrap_or_default(), location.pathname().unwrap_or_default());
    format!("{origin}{path}")
}

/// Writes the query into the address without a new entry in the history.
pub fn replace_query(query: &str) {
    change_address(query, |history, address| history.replace_state_with_url(&JsValue::NULL, "", Some(address)));
}

/// Writes the query into the address as a new entry in the history.
pub fn push_query(query: &str) {
    change_address(query, |history, address| history.push_state_with_url(&JsValue::NULL, "", Some(address)));
}

fn change_address(query: &str, change: impl Fn(&web_sys::History, &str) -> Result<(), JsValue>) {
    let path = window().location().pathname().unwrap_or_default();
    let address = if query.is_empty() { path } else { format!("{path}?{}", query.trim_start_matches('?')) };
    if let Ok(history) = window().history() {
        // Refused only where the page is no document of its own; the link is then read from the buttons alone.
        let _ = change(&history, &address);
        SHOWN_QUERY.set(self::query());
    }
}

/// Calls back with the query when the reader goes back or forward to another one.
///
/// Links within the page come this way too, with the query as it was: then the inputs stay, half typed ones included.
pub fn on_history(callback: impl Fn(&str) + 'static) {
    SHOWN_QUERY.set(query());
    let handle = window_event_listener(leptos::ev::popstate, move |_| {
        let query = query();
        if SHOWN_QUERY.replace(query.clone()) != query {
            callback(&query);
        }
    });
    on_cleanup(move || handle.remove());
}

thread_local! {
    /// The query that the page shows or has written last.
    static SHOWN_QUERY: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Calls back with the query of any link within the page that opens a scenario.
pub fn on_scenario_link(callback: impl Fn(String) + 'static) {
    let handle = window_event_listener(leptos::ev::click, move |event| {
        let plain = event.button() == 0 && !(event.ctrl_key() || event.meta_key() || event.shift_key());
        let link = event
            .target()
            .and_then(|target| target.dyn_into::<Element>().ok())
            .and_then(|element| element.closest("a[href^='?']").ok().flatten());
        if let (true, Some(link)) = (plain, link) {
            if link.has_attribute("target") {
                return;
            }
            event.prevent_default();
            callback(link.get_attribute("href").unwrap_or_default());
        }
    });
    on_cleanup(move || handle.remove());
}

/// Calls back with a file that is dropped anywhere on the page, where the browser would leave the page for it.
pub fn on_file_drop(callback: impl Fn(File) + 'static) {
    let over = window_event_listener(leptos::ev::dragover, |event| {
        if let Some(transfer) = event.data_transfer().filter(holds_files) {
            event.prevent_default();
            transfer.set_drop_effect("copy");
            mark_drop(true);
        }
    });
    let leave = window_event_listener(leptos::ev::dragleave, |event| {
        if event.related_target().is_none() {
            mark_drop(false);
        }
    });
    let drop = window_event_listener(leptos::ev::drop, move |event| {
        mark_drop(false);
        let transfer = event.data_transfer().filter(holds_files);
        if transfer.is_some() {
            event.prevent_default();
        }
        if let Some(file) = transfer.and_then(|transfer| transfer.files()).and_then(|files| files.get(0)) {
            callback(file);
        }
    });
    on_cleanup(move || {
        over.remove();
        leave.remove();
        drop.remove();
    });
}

fn holds_files(transfer: &DataTransfer) -> bool {
    transfer.types().includes(&"Files".into(), 0)
}

/// Says whether a file hangs over the page, for the style sheet.
fn mark_drop(over: bool) {
    if let Some(root) = root() {
        // An element takes any attribute whose name is valid.
        let _ = root.toggle_attribute_with_force("data-drop", over);
    }
}

/// Work to be done ahead of a frame, once for all that ask before it.
///
/// One callback serves every frame. A callback for each would hold its memory until JavaScript collects it, thousands of
/// frames later.
pub struct BeforeFrame {
    callback: Closure<dyn Fn()>,
    asked: Rc<Cell<Option<i32>>>,
}

impl BeforeFrame {
    /// Nothing is asked for yet.
    pub fn new(work: impl Fn() + 'static) -> Self {
        let asked = Rc::new(Cell::new(None));
        let answered = asked.clone();
        let callback = Closure::new(move || {
            answered.set(None);
            work();
        });
        Self { callback, asked }
    }

    /// Has the work done ahead of the next frame.
    pub fn ask(&self) {
        if self.asked.get().is_none() {
            self.asked.set(window().request_animation_frame(self.callback.as_ref().unchecked_ref()).ok());
        }
    }
}

impl Drop for BeforeFrame {
    fn drop(&mut self) {
        if let Some(frame) = self.asked.take() {
            // Takes any number, of a frame that is past as well.
            let _ = window().cancel_animation_frame(frame);
        }
    }
}

/// Follows whether an element is in sight or less than a quarter of the window away from it.
pub struct Sight {
    observer: IntersectionObserver,
    _tell: Closure<dyn Fn(Vec<IntersectionObserverEntry>)>,
}

impl Sight {
    /// Tells at once, then at every change. None where the browser does not know.
    pub fn of(element: &Element, tell: impl Fn(bool) + 'static) -> Option<Self> {
        let tell = Closure::<dyn Fn(Vec<IntersectionObserverEntry>)>::new(move |entries: Vec<_>| {
            // The newest comes last.
            if let Some(entry) = entries.last() {
                tell(IntersectionObserverEntry::is_intersecting(entry));
            }
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin("25%");
        let observer = IntersectionObserver::new_with_options(tell.as_ref().unchecked_ref(), &options).ok()?;
        observer.observe(element);
        Some(Self { observer, _tell: tell })
    }
}

impl Drop for Sight {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

/// Moves the focus to the element with this id, once it is there.
pub fn focus(id: &'static str) {
    request_animation_frame(move || {
        let element = document().get_element_by_id(id).and_then(|element| element.dyn_into::<HtmlElement>().ok());
        if let Some(element) = element {
            // What was found is in the document.
            let _ = element.focus();
        }
    });
}

/// Scrolls to the top of the calculator.
pub fn scroll_to_calculator() {
    if let Some(app) = document().get_element_by_id("app") {
        app.scroll_into_view();
    }
}

/// Puts a text on the clipboard, then says whether it got there.
pub fn copy(text: String, done: impl Fn(bool) + 'static) {
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
    if clipboard.is_ok_and(|clipboard| clipboard.is_undefined()) {
        // Not a secure context.
        return done(copy_by_selection(&text));
    }
    let promise = window().navigator().clipboard().write_text(&text);
    leptos::task::spawn_local(async move {
        let copied = wasm_bindgen_futures::JsFuture::from(promise).await.is_ok();
        done(copied || copy_by_selection(&text));
    });
}

/// The way that works without permission and in insecure contexts.
fn copy_by_selection(text: &str) -> bool {
    let copy = || -> Option<bool> {
        let area: HtmlTextAreaElement = document().create_element("textarea").ok()?.dyn_into().ok()?;
        area.set_value(text);
        area.set_class_name("visually-hidden");
        let active = document().active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
        document().body()?.append_child(&area).ok()?;
        area.select();
        let command: js_sys::Function = js_sys::Reflect::get(&document(), &"execCommand".into()).ok()?.into();
        let copied = command.call1(&document(), &"copy".into()).ok()?.is_truthy();
        area.remove();
        if let Some(active) = active {
            // What had the focus is still there.
            let _ = active.focus();
        }
        Some(copied)
    };
    copy().unwrap_or(false)
}

/// Hands a canvas to the reader as a PNG file.
pub fn download_png(canvas: &web_sys::HtmlCanvasElement, name: &str) {
    let name = name.to_owned();
    let save = Closure::once_into_js(move |blob: JsValue| {
        let save = || -> Option<()> {
            let address = web_sys::Url::create_object_url_with_blob(&blob.dyn_into().ok()?).ok()?;
            let link: HtmlAnchorElement = document().create_element("a").ok()?.dyn_into().ok()?;
            link.set_href(&address);
            link.set_download(&name);
            link.click();
            web_sys::Url::revoke_object_url(&address).ok()
        };
        save();
    });
    // Fails only for a canvas that holds pictures of other origins; ours holds none.
    let _ = canvas.to_blob(save.unchecked_ref());
}

/// The value of a custom property of the style sheet.
pub fn style_value(name: &str) -> String {
    let style = root().and_then(|root| window().get_computed_style(&root).ok().flatten());
    style.and_then(|style| style.get_property_value(name).ok()).unwrap_or_default().trim().to_owned()
}

/// Calls back when the system's colours or the ratio of device to CSS pixels change.
pub fn on_display_change(callback: impl Fn() + 'static) {
    let callback = Rc::new(callback);
    let colours = callback.clone();
    let listener = Closure::<dyn Fn()>::new(move || colours());
    if let Ok(Some(list)) = window().match_media("(prefers-color-scheme: dark)")
        && list.add_event_listener_with_callback("change", listener.as_ref().unchecked_ref()).is_ok()
    {
        // Lives as long as the page does, as the application itself.
        listener.forget();
    }
    on_ratio_change(callback);
}

/// Calls back as the page is about to be printed, for as long as what asks stands.
pub fn before_print(callback: impl Fn() + 'static) {
    on_window("beforeprint", callback);
}

fn on_window(event: &str, callback: impl Fn() + 'static) {
    let handle = window_event_listener_untyped(event, move |_| callback());
    on_cleanup(move || handle.remove());
}

/// Has light colours in force while the page is printed, whatever the screen's are, and calls back after each change.
pub fn on_print(changed: impl Fn() + Copy + 'static) {
    let before = Rc::new(Cell::new(Theme::System));
    let kept = before.clone();
    before_print(move || {
        kept.set(theme());
        put_in_force(Theme::Light);
        changed();
    });
    on_window("afterprint", move || {
        put_in_force(before.get());
        changed();
    });
}

/// A media query can only watch for the ratio that is: each change needs a new one.
fn on_ratio_change(callback: Rc<dyn Fn()>) {
    // JavaScript writes the number: Rust's code for it weighs 4 kB, and nothing else of the first file needs it.
    let ratio = js_sys::Number::from(window().device_pixel_ratio()).to_string_with_radix(10).map(String::from);
    let query = format!("(resolution: {}dppx)", ratio.unwrap_or_default());
    if let Ok(Some(list)) = window().match_media(&query) {
        let watched = list.clone();
        list.set_onchange(Some(
            Closure::once_into_js(move || {
                // The list lives on and would call again when the ratio comes back.
                watched.set_onchange(None);
                callback();
                on_ratio_change(callback);
            })
            .unchecked_ref(),
        ));
    }
}

/// Calls back when the size of the calculator changes, and once at the start.
pub fn on_resize(callback: impl Fn() + 'static) {
    let listener = Closure::<dyn Fn()>::new(callback);
    let app = document().get_element_by_id("app");
    if let (Ok(observer), Some(app)) = (web_sys::ResizeObserver::new(listener.as_ref().unchecked_ref()), app) {
        observer.observe(&app);
        // Lives as long as the page does, as the application itself.
        listener.forget();
    }
}

/// Tells the page around an embedded calculator how high it is.
pub fn report_height() {
    let Some(root) = root() else { return };
    let message = js_sys::Object::new();
    let set = |key: &str, value: JsValue| js_sys::Reflect::set(&message, &key.into(), &value).is_ok();
    let height = f64::from(root.offset_height());
    if set("type", "nn-memory:height".into())
        && set("height", height.into())
        && let Some(parent) = parent()
    {
        // The height of a public page is no secret, so any origin may hear it.
        let _ = parent.post_message(&message, "*");
    }
}

fn parent() -> Option<Window> {
    window().parent().ok().flatten()
}
