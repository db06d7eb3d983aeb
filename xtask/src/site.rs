//! The built page: `dist/`.

use std::{fs, sync::OnceLock};

use crate::{
    Result,
    process::{cargo_home, command, run_command},
    tools,
};

/// The release build into `dist/`, made once in a run of xtask however many ask for it.
pub(crate) fn build() -> Result {
    static BUILT: OnceLock<Result> = OnceLock::new();
    BUILT
        .get_or_init(|| {
            tools::for_release()?;
            let mut trunk = command("trunk", &["build", "--release", "--skip-version-check", "--features", "split"]);
            trunk.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags());
            run_command(trunk)
        })
        .clone()
}

/// Flags of the linker's that splitting needs, and those that keep the builder's folders out of the page: a panic names
/// its file, which begins with the folder that Cargo unpacked the crate into.
fn flags() -> String {
    let unpacked = cargo_home().and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let folders = unpacked.into_iter().flatten().flatten().map(|registry| registry.path());
    let texts = folders.filter_map(|folder| folder.to_str().map(str::to_owned));
    // The flags are separated by spaces: a folder with one in its name stays as it is.
    let flags = texts.filter(|folder| !folder.contains(' ')).map(|folder| format!("--remap-path-prefix={folder}/="));
    flags.chain(["-Clink-arg=--emit-relocs".to_owned()]).collect::<Vec<_>>().join(" ")
}
