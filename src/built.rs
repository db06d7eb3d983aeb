//! One type for every view of the page.
//!
//! Leptos gives each view a type of its own, with code to build it, to change it into another of its kind, to put it in
//! place and to take it away. A view here is built once and never changed as a whole (its texts and flags follow their
//! signals by themselves), so what has been built stands for it: a quarter of the WebAssembly less.

use leptos::prelude::*;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::html::attribute::any_attribute::AnyAttribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::types::{Element, Node};
use leptos::tachys::view::{Mountable, Position, PositionState};
use send_wrapper::SendWrapper;

/// A view that has been built.
pub struct Built(SendWrapper<Box<dyn Mountable>>);

/// Builds a view that has at least one element.
pub fn built<V>(view: V) -> Built
where
    V: IntoView,
    <View<V> as Render>::State: 'static,
{
    Built(SendWrapper::new(Box::new(view.into_view().build())))
}

/// What a view has become on the page.
pub struct BuiltState(Box<dyn Mountable>);

impl Render for Built {
    type State = BuiltState;

    fn build(self) -> BuiltState {
        BuiltState(self.0.take())
    }

    fn rebuild(self, state: &mut BuiltState) {
        let mut new = self.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl Mountable for BuiltState {
    fn unmount(&mut self) {
        self.0.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.0.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.0.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.0.elements()
    }
}

impl AddAnyAttr for Built {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self {
        self
    }
}

/// Leptos asks this of every view, also where there is no server that would write it.
impl RenderHtml for Built {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

    fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) -> BuiltState {
        self.build()
    }

    fn into_owned(self) -> Self {
        self
    }
}
