//! Parts of the program that the release keeps in WebAssembly files of their own.
//!
//! The first file has what the form and the total need, so that they stand as soon as possible. A part is one value of
//! function pointers, and nothing outside the module that declares it may name what it holds: that is what lets
//! `xtask/src/split.rs` take it out. Without the feature `split` every part is there from the start.

/// Declares `get` and `load` of a part: its file's name, its type, its value.
macro_rules! later {
    ($file:ident, $type:ident, $value:ident) => {
        /// The part, where it is there.
        #[cfg(not(feature = "split"))]
        pub fn get() -> Option<&'static $type> {
            Some(&$value)
        }

        /// Loads the part; false where that failed. It can be tried again.
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

            use super::{$type, $value};

            static LOADED: OnceLock<&'static $type> = OnceLock::new();

            #[wasm_split($file, fallible)]
            fn part() -> Result<&'static $type, SplitLoaderError> {
                Ok(&$value)
            }

            /// The part, where it is there.
            pub fn get() -> Option<&'static $type> {
                LOADED.get().copied()
            }

            /// Loads the part; false where that failed. It can be tried again.
            pub async fn load() -> bool {
                match part().await {
                    Ok(part) => {
                        // A second load finds the first one's.
                        let _ = LOADED.set(part);
                        true
                    }
                    Err(_) => false,
                }
            }
        }
    };
}

pub(crate) use later;
