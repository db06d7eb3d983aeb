//! What the page has for described models, in one value.
//!
//! Most people open the page to try a size. So the release keeps all of this in a WebAssembly file of its own, which is
//! loaded when a link or a person first asks for a described model; nothing outside this module may name what it holds.
//! Without the feature `split` it is there from the start.

use nn_memory::architecture::ConfigField;
use nn_memory::{Engine, Family, Scenario};

use crate::built::Built;
use crate::charts::{Chart, timeline};
use crate::form::{DescribedForm, FORM};
use crate::page::Page;

/// What described models need of the engine and of the page.
pub struct Described {
    /// Follows every network.
    pub engine: &'static Engine,
    /// The form's part.
    pub form: &'static DescribedForm,
    /// The course of the step.
    pub timeline: &'static Chart,
    /// What the allocator reserves.
    pub reserve: fn(Page) -> Built,
    /// How accurate this is, and the nearest measured runs.
    pub accuracy: fn(&Scenario) -> (String, Vec<String>),
}

/// What to say where it is not there.
pub const NOT_LOADED: &str =
    "What describes models could not be loaded. Check the connection, then choose again or reload the page.";

static DESCRIBED: Described = Described {
    engine: Engine::FULL,
    form: &FORM,
    timeline: &timeline::CHART,
    reserve: crate::results::reserve,
    accuracy: crate::results::measured,
};

/// What described models need, where it is there.
#[cfg(not(feature = "split"))]
pub fn get() -> Option<&'static Described> {
    Some(&DESCRIBED)
}

/// Loads it; false where that failed.
#[cfg(not(feature = "split"))]
pub async fn load() -> bool {
    true
}

#[cfg(feature = "split")]
pub use split::{get, load};

#[cfg(feature = "split")]
#[allow(unsafe_code, reason = "the macro declares functions of the other file")]
mod split {
    use std::sync::OnceLock;

    use wasm_split_helpers::{SplitLoaderError, wasm_split};

    use super::{DESCRIBED, Described};

    static LOADED: OnceLock<&'static Described> = OnceLock::new();

    #[wasm_split(described, fallible)]
    fn described() -> Result<&'static Described, SplitLoaderError> {
        Ok(&DESCRIBED)
    }

    /// What described models need, where it is there.
    pub fn get() -> Option<&'static Described> {
        LOADED.get().copied()
    }

    /// Loads it; false where that failed.
    pub async fn load() -> bool {
        match described().await {
            Ok(described) => {
                // A second load finds the first one's.
                let _ = LOADED.set(described);
                true
            }
            Err(_) => false,
        }
    }
}

/// The engine as far as it is there.
pub fn engine() -> &'static Engine {
    get().map_or(Engine::BY_SIZE, |described| described.engine)
}

/// The fields of a family, where they are there.
pub fn fields(family: Family) -> &'static [ConfigField] {
    get().map_or(&[], |described| (described.form.fields)(family))
}
