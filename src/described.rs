//! What the page has for described models, in one value.
//!
//! Most people open the page to try a size, so its file is loaded when a link or a person first asks for a described model.

use nn_memory::architecture::ConfigField;
use nn_memory::{Engine, Family, PartKind, UnitSystem};

use crate::built::Built;
use crate::charts::{Chart, timeline};
use crate::form::{DescribedForm, FORM, Outcome};
use crate::later::later;
use crate::page::Page;

/// What described models need of the engine and of the page.
pub struct Described {
    /// Follows every network.
    pub engine: &'static Engine,
    /// The form's part.
    pub form: &'static DescribedForm,
    /// The course of the step.
    pub timeline: fn(Page) -> Chart,
    /// What the allocator reserves and the device shows.
    pub reserve: fn(Page) -> Built,
    /// What to change where it does not fit.
    pub ways: fn(Page) -> Built,
    /// The work behind a part.
    pub work: fn(&Outcome, PartKind, UnitSystem) -> String,
    /// How accurate this is, and the nearest measured runs.
    pub accuracy: fn(&Outcome) -> (String, Vec<String>),
}

/// What to say where it is not there.
pub const NOT_LOADED: &str =
    "What describes models could not be loaded. Check the connection, then choose again or reload the page.";

static DESCRIBED: Described = Described {
    engine: Engine::FULL,
    form: &FORM,
    timeline,
    reserve: crate::results::reserve,
    ways: crate::results::ways,
    work: crate::results::work,
    accuracy: crate::results::measured,
};

later!(described, Described, DESCRIBED);

/// The engine as far as it is there.
pub fn engine() -> &'static Engine {
    get().map_or(Engine::BY_SIZE, |described| described.engine)
}

/// The fields of a family, where they are there.
pub fn fields(family: Family) -> &'static [ConfigField] {
    get().map_or(&[], |described| (described.form.fields)(family))
}
