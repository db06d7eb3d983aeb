//! What the parts of the page share.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use nn_memory::{Choice, Family, Field, ModelKind, UnitSystem};

use crate::described::{self, Described};
use crate::details;
use crate::form::{Fields, Form, Input, Outcome, Texts};
use crate::platform;
use crate::quiet::once_quiet;
use crate::reactive::{effect, put};

/// How long what an action did stays to be read.
const STATUS_STAYS: Duration = Duration::from_secs(8);

const LOADING: &str = "Loading the described models…";

/// The signals of the page; copied into every part.
#[derive(Clone, Copy)]
pub struct Page {
    /// The inputs.
    pub form: Form,
    /// What follows from them.
    pub outcome: Memo<Outcome>,
    /// What is known of each input.
    pub fields: RwSignal<Fields>,
    /// The units in which sizes are shown.
    pub system: RwSignal<UnitSystem>,
    /// What the last action did, in words.
    pub status: RwSignal<String>,
    /// Counts changes of colours and sizes, which charts must follow.
    pub appearance: RwSignal<usize>,
    /// What the last reset took away.
    pub before_reset: StoredValue<Option<BeforeReset>>,
    /// Whether there are any.
    pub can_undo: RwSignal<bool>,
    /// Whether what stands under the total has been loaded.
    pub has_details: RwSignal<bool>,
}

/// What a reset takes away.
#[derive(Debug, Clone)]
pub struct BeforeReset {
    /// The inputs.
    texts: Texts,
    /// Those of the result that stood, where not all of the inputs could be read.
    last_good: Option<Texts>,
}

impl Page {
    /// A page with these inputs.
    pub fn new(texts: &Texts, system: UnitSystem) -> Self {
        let form = Form::new(texts);
        let outcome = Memo::new(move |last| Outcome::of(&form.texts_in_use(), last));
        let known = move || outcome.with(|outcome| outcome.fields.clone()).with_refused(form.refused());
        let fields = RwSignal::new(untrack(known));
        effect(move || put(fields, known()));
        let page = Self {
            form,
            outcome,
            fields,
            system: RwSignal::new(system),
            status: RwSignal::new(String::new()),
            appearance: RwSignal::new(0),
            before_reset: StoredValue::new(None),
            can_undo: RwSignal::new(false),
            has_details: RwSignal::new(details::get().is_some()),
        };
        page.forget_reset_once_edited();
        page.clear_status();
        page
    }

    /// What is typed after a reset is not lost to its undoing.
    fn forget_reset_once_edited(self) {
        effect(move || {
            self.outcome.track();
            if self.can_undo.get_untracked() && untrack(|| self.form.texts()) != Texts::default() {
                self.can_undo.set(false);
            }
        });
    }

    /// The status goes once there was time to read it; what still holds stays.
    fn clear_status(self) {
        let status = self.status;
        once_quiet(
            STATUS_STAYS,
            move || status.track(),
            move || {
                let over = status.with_untracked(|said| ![LOADING, described::NOT_LOADED, ""].contains(&said.as_str()));
                if over {
                    status.set(String::new());
                }
            },
        );
    }

    /// Picks an option of an input. Another way to give the model, and another family, take over what still applies.
    pub fn choose(self, input: Input, key: &str) {
        let texts = move || self.form.texts();
        match input {
            Input::Field(Field::ModelKind) => {
                let Some(kind) = ModelKind::from_key(key) else { return };
                self.once_described(move |has| match has {
                    Some(has) => {
                        self.form.fill(&self.outcome.with_untracked(|outcome| {
                            (has.form.switched)(texts(), kind, &outcome.scenario, &outcome.estimate)
                        }));
                    }
                    None => platform::pick("model-kind", ModelKind::Size.key()),
                });
            }
            Input::Field(Field::ModelType) => {
                let Some(family) = Family::from_key(key) else { return };
                if let Some(has) = described::get() {
                    self.form.fill(&(has.form.with_family)(texts(), family));
                }
            }
            _ => self.form.set(input, key),
        }
    }

    /// Loads what stands under the total; false where that failed. Once it is there, it stays as it is.
    pub async fn load_details(self) -> bool {
        let loaded = details::load().await;
        if loaded && !self.has_details.get_untracked() {
            self.has_details.set(true);
        }
        loaded
    }

    /// Goes on once what described models need is there, or with nothing where it cannot be loaded.
    pub fn once_described(self, go_on: impl FnOnce(Option<&'static Described>) + 'static) {
        if let Some(has) = described::get() {
            return go_on(Some(has));
        }
        // Whoever chooses again while it loads has read the same words before.
        let before = Some(self.status.get_untracked()).filter(|status| status != LOADING).unwrap_or_default();
        let missing = Texts::default();
        self.status.set(LOADING.to_owned());
        spawn_local(async move {
            let loaded = described::load().await;
            if loaded {
                self.form.complete(&missing);
                self.before_reset.update_value(|before| {
                    if let Some(BeforeReset { texts, last_good }) = before {
                        texts.complete(&missing);
                        last_good.iter_mut().for_each(|texts| texts.complete(&missing));
                    }
                });
            }
            self.status.set(if loaded { before } else { described::NOT_LOADED.to_owned() });
            // Its file has come along with theirs.
            if loaded {
                self.load_details().await;
            }
            go_on(described::get());
        });
    }

    /// Puts every input back to its default; [`Page::undo_reset`] takes that back.
    pub fn reset(self) {
        let last_good =
            self.outcome.with_untracked(|outcome| outcome.fields.any_error().then(|| Texts::from(&outcome.scenario)));
        self.before_reset.set_value(Some(BeforeReset { texts: untrack(|| self.form.texts()), last_good }));
        self.form.fill(&Texts::default());
        self.can_undo.set(true);
        self.status.set("Reset every input to its default.".to_owned());
    }

    /// Puts the inputs back that the last reset took away.
    pub fn undo_reset(self) {
        if let Some(BeforeReset { texts, last_good }) = self.before_reset.try_update_value(Option::take).flatten() {
            // The result that stood beside what cannot be read.
            if let Some(last_good) = last_good {
                self.form.fill(&last_good);
                self.outcome.with_untracked(|_| ());
            }
            self.form.fill(&texts);
            platform::focus("reset");
            self.can_undo.set(false);
            self.status.set("Put your inputs back.".to_owned());
        }
    }
}
