//! Takes what only described models need out of the page's WebAssembly, into a file of its own.
//!
//! Trunk has no place for this between Cargo and wasm-bindgen, so the module that Cargo has built is taken up once more:
//! split, given its JavaScript anew, and put where Trunk has staged the whole one. `src/described.rs` marks what goes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use wasm_split_cli_support::{Options, transform};

use crate::{
    Result,
    process::{output, root, run},
};

const PROGRAM: &str = "nn-memory-calculator";

/// What the marked functions are imported from until the module is split.
const MARK: &[u8] = b"__wasm_split_placeholder__";

/// Splits the page that is staged in `folder` as `js` and `wasm`, where it was built to be; the name of the other file.
pub(crate) fn run_in(folder: &Path, js: &str, wasm: &str) -> Result<Option<String>> {
    let staged = fs::read(folder.join(wasm)).map_err(|error| format!("{wasm}: {error}"))?;
    if !staged.windows(MARK.len()).any(|bytes| bytes == MARK) {
        return Ok(None);
    }
    let target = target_folder()?;
    let built = target.join("wasm32-unknown-unknown/release").join(PROGRAM).with_extension("wasm");
    let scratch = target.join("split");
    let whole = fs::read(&built).map_err(|error| format!("{}: {error}", built.display()))?;
    let main = scratch.join("main.wasm");
    let mut options = Options::new(&whole);
    options.output_dir = &scratch;
    options.main_out_path = &main;
    let split = transform(options).map_err(|error| format!("{}: {error:#}", built.display()))?;
    let [described] = &split.split_modules[..] else {
        return Err(format!("one split file is expected, got {}", split.split_modules.len()));
    };

    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: is no text", path.display()));
    let out = ["--target", "web", "--no-typescript", "--keep-lld-exports", "--out-name", "page", "--out-dir"];
    let (out_folder, main) = (text(&scratch)?, text(&main)?);
    run("wasm-bindgen", &[&out[..], &[&out_folder, &main]].concat())?;

    let name = wasm.strip_suffix("_bg.wasm").ok_or_else(|| format!("{wasm} is not named as wasm-bindgen does"))?;
    let name = format!("{name}_described.wasm");
    for (from, to) in
        [(&scratch.join("page.js"), js), (&scratch.join("page_bg.wasm"), wasm), (described, name.as_str())]
    {
        fs::copy(from, folder.join(to)).map_err(|error| format!("{}: {error}", from.display()))?;
    }
    Ok(Some(name))
}

/// Where Cargo builds.
fn target_folder() -> Result<PathBuf> {
    let metadata = output("cargo", &["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    let metadata = metadata.ok_or("`cargo metadata` failed")?;
    let key = "\"target_directory\":\"";
    let start = metadata.find(key).ok_or("`cargo metadata` names no target folder")? + key.len();
    let path = metadata[start..].split('"').next().unwrap_or_default().replace("\\\\", "\\");
    Ok(root().join(path))
}
