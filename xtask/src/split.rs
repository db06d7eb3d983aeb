//! Takes what is not needed at once out of the page's WebAssembly, into files of their own.
//!
//! Trunk has no place for this between Cargo and wasm-bindgen, so the module that Cargo has built is taken up once more:
//! split, given its JavaScript anew, and put where Trunk has staged the whole one. `later!` marks what goes, see `src/later.rs`.

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

/// The parts, in an order in which each may need those before it: a part is loaded after them. The names are those of
/// `later!` in the page.
pub(crate) const PARTS: [&str; 2] = ["details", "described"];

/// A file that was split off.
pub(crate) struct Part {
    /// Name of the file, beside the page.
    pub(crate) file: String,
    /// What it shares with later parts: files elsewhere that are to be joined to it.
    pub(crate) shared: Vec<PathBuf>,
}

/// Splits the page that is staged in `folder` as `js` and `wasm`, where it was built to be.
pub(crate) fn run_in(folder: &Path, js: &str, wasm: &str) -> Result<Vec<Part>> {
    let staged = fs::read(folder.join(wasm)).map_err(|error| format!("{wasm}: {error}"))?;
    if !staged.windows(MARK.len()).any(|bytes| bytes == MARK) {
        return Ok(Vec::new());
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

    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: is no text", path.display()));
    let out = ["--target", "web", "--no-typescript", "--keep-lld-exports", "--out-name", "page", "--out-dir"];
    let (out_folder, main) = (text(&scratch)?, text(&main)?);
    run("wasm-bindgen", &[&out[..], &[&out_folder, &main]].concat())?;

    let copy = |from: &str, to: &str| {
        fs::copy(scratch.join(from), folder.join(to)).map(drop).map_err(|error| format!("{from}: {error}"))
    };
    copy("page.js", js)?;
    copy("page_bg.wasm", wasm)?;
    let name = wasm.strip_suffix("_bg.wasm").ok_or_else(|| format!("{wasm} is not named as wasm-bindgen does"))?;
    let mut left: Vec<String> =
        split.split_modules.iter().filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    let mut parts = Vec::new();
    for part in PARTS {
        let needed = split.prefetch_map.get(part).ok_or_else(|| format!("nothing of the page is marked as {part}"))?;
        let (file, own) = (format!("{name}_{part}.wasm"), format!("split_{part}"));
        copy(&format!("{own}.wasm"), &file)?;
        let mut take = |module: &String| left.iter().position(|known| known == module).map(|place| left.remove(place));
        let taken: Vec<String> = needed.iter().filter_map(&mut take).collect();
        let shared = taken.into_iter().filter(|module| *module != own);
        parts.push(Part { file, shared: shared.map(|module| scratch.join(module).with_extension("wasm")).collect() });
    }
    if left.is_empty() { Ok(parts) } else { Err(format!("no part needs {}", left.join(", "))) }
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
