//! One type for every text, flag and action of the page.
//!
//! A closure of its own type makes the renderer's code once more for each: about 2 kB of WebAssembly. Boxed, they share it.

use leptos::ev::MouseEvent;
use leptos::prelude::*;

use crate::built::{Built, built};

/// A text that follows its signals.
pub type Text = Box<dyn FnMut() -> String + Send>;
/// A flag that follows its signals.
pub type Flag = Box<dyn FnMut() -> bool + Send>;
/// An attribute that follows its signals and may be absent.
pub type Optional = Box<dyn FnMut() -> Option<&'static str> + Send>;
/// What a press does.
pub type Action = Box<dyn FnMut(MouseEvent)>;

/// Boxes a text.
pub fn text(text: impl FnMut() -> String + Send + 'static) -> Text {
    Box::new(text)
}

/// Boxes a flag.
pub fn flag(flag: impl FnMut() -> bool + Send + 'static) -> Flag {
    Box::new(flag)
}

/// Boxes an attribute.
pub fn optional(attribute: impl FnMut() -> Option<&'static str> + Send + 'static) -> Optional {
    Box::new(attribute)
}

/// Boxes what a press does.
pub fn action(mut action: impl FnMut() + 'static) -> Action {
    Box::new(move |_| action())
}

/// Runs at once, then ahead of the next frame whenever what it follows has changed.
pub fn effect(run: impl Fn() + 'static) {
    let run: Box<dyn Fn()> = Box::new(run);
    Effect::new(run);
}

/// Sets a signal where it differs.
///
/// Whoever follows a memo is asked again at every change of what the memo rests on, though it comes out the same; whoever
/// follows a signal that is set like this is left alone.
pub fn put<T>(signal: RwSignal<T>, value: T)
where
    T: PartialEq + Send + Sync + 'static,
{
    if signal.with_untracked(|last| *last != value) {
        signal.set(value);
    }
}

/// Texts that follow signals together, each told on only where it differs.
pub fn settled<const N: usize>(texts: impl Fn() -> [String; N] + 'static) -> [RwSignal<String>; N] {
    let settled = untrack(&texts).map(RwSignal::new);
    effect(move || settled.into_iter().zip(texts()).for_each(|(signal, text)| put(signal, text)));
    settled
}

/// A button whose words may change.
pub fn button(test_id: String, label: Text, press: Action) -> Built {
    built(view! { <button type="button" data-testid=test_id on:click=press>{label}</button> })
}

/// A button that opens and closes what has the id `controls`. `label` is its name for who does not see it.
pub fn disclosure(
    class: &'static str,
    test_id: String,
    label: String,
    controls: String,
    open: RwSignal<bool>,
    face: Built,
) -> Built {
    named_disclosure(class, test_id, text(move || label.clone()), controls, open, face)
}

/// One whose name may change.
pub fn named_disclosure(
    class: &'static str,
    test_id: String,
    label: Text,
    controls: String,
    open: RwSignal<bool>,
    face: Built,
) -> Built {
    built(view! {
        <button
            type="button"
            class=class
            data-testid=test_id
            aria-label=label
            aria-expanded=text(move || open.get().to_string())
            aria-controls=controls
            on:click=action(move || open.update(|open| *open = !*open))
        >
            {face}
        </button>
    })
}

/// A button of one word.
pub fn plain_button(test_id: &str, label: &'static str, press: Action) -> Built {
    button(test_id.to_owned(), text(move || label.to_owned()), press)
}
