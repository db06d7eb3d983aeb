//! The built page: `dist/`.

use std::sync::OnceLock;

use crate::{Result, process::run, tools};

/// The release build into `dist/`, made once in a run of xtask however many ask for it.
pub(crate) fn build() -> Result {
    static BUILT: OnceLock<Result> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            tools::for_release()?;
            run("trunk", &["build", "--release", "--skip-version-check"])
        })
        .clone()
}
