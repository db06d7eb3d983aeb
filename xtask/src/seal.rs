//! Seals a built page: what it may load is written into it, as a Content-Security-Policy and as hashes.
//!
//! Trunk calls this as its `post_build` hook, with the page in `TRUNK_STAGING_DIR`. A page with the script that
//! Trunk's live reload needs is given the same policy, and the one socket more.
//!
//! The start of the page is written here too, for the sake of its speed:
//! - the stylesheets become one inline `<style>`, so that the text paints without waiting for another answer;
//! - the WebAssembly is asked for by the first script of the head, together with its JavaScript, and once.
//!   (A preload link can't do that: Chromium keeps a preload and a `fetch` with integrity apart, and loads it twice.)

use std::{env, fs, ops::Range, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use crate::{
    Result,
    html::{Tag, tags},
    process, split,
};

/// What Trunk's live reload script holds until the page is served.
const RELOAD_ADDRESS: &str = "'{{__TRUNK_ADDRESS__}}'";
const RELOAD_BASE: &str = "{{__TRUNK_WS_BASE__}}";

/// Takes out of the release what no one calls.
const SLIM: &str = "xtask/slim.mjs";

/// A page's character set counts only in so many bytes from its start.
const CHARSET_WITHIN: usize = 1024;

/// Seals the page that Trunk has staged.
pub(crate) fn run() -> Result {
    let folder =
        env::var_os("TRUNK_STAGING_DIR").ok_or("Trunk runs `cargo xtask seal`, in the folder it builds into")?;
    let folder = Path::new(&folder);
    let page = folder.join("index.html");
    let html = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
    let mut parts = Vec::new();
    if !html.contains(RELOAD_ADDRESS) {
        let (js, wasm) = start_files(&html)?;
        parts = split::run_in(folder, &js, &wasm)?;
        let mut files = vec![SLIM.to_owned(), path_text(&folder.join(js))?, path_text(&folder.join(wasm))?];
        for part in &parts {
            files.push(path_text(&folder.join(&part.file))?);
            for shared in &part.shared {
                files.push(format!("+{}", path_text(shared)?));
            }
        }
        let arguments: Vec<&str> = files.iter().map(String::as_str).collect();
        process::run("node", &arguments)?;
    }
    let parts: Vec<String> = parts.into_iter().map(|part| part.file).collect();
    let sealed = seal(&html, &parts, &|name| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}")))?;
    fs::write(&page, &sealed.html).map_err(|error| format!("{}: {error}", page.display()))?;
    for name in sealed.inlined {
        fs::remove_file(folder.join(&name)).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

struct Sealed {
    html: String,
    /// The files that are part of the page now.
    inlined: Vec<String>,
}

/// `parts` are the files of [`split::PARTS`], if the page was split; `read` gives the content of a file beside the page.
fn seal(html: &str, parts: &[String], read: &dyn Fn(&str) -> Result<Vec<u8>>) -> Result<Sealed> {
    let reloads = html.contains(RELOAD_ADDRESS);
    // Filled in here instead of by the server: a script that changes on its way has no hash.
    let html = html.replace(RELOAD_ADDRESS, "window.location.host").replace(RELOAD_BASE, "/");

    let arranged = arrange(&html, parts, reloads, read)?;
    let html = set_integrity(&arranged.html, read)?;
    let html = set_policy(&html, reloads)?;
    Ok(Sealed { html, inlined: arranged.inlined })
}

/// The JavaScript and the WebAssembly that the page starts with.
fn start_files(html: &str) -> Result<(String, String)> {
    let tags = tags(html)?;
    let start = start_script(&tags)?;
    let name = |key| file_name(start.get(key).unwrap_or_default()).map(str::to_owned);
    Ok((name("data-start")?, name("data-wasm")?))
}

fn start_script<'a>(tags: &'a [Tag<'a>]) -> Result<&'a Tag<'a>> {
    let marked: Vec<&Tag> = tags.iter().filter(|tag| tag.get("data-start").is_some()).collect();
    match marked[..] {
        [start] => Ok(start),
        _ => Err(format!("one script with data-start is expected (see Trunk.toml), got {}", marked.len())),
    }
}

fn path_text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{}: the path is no text", path.display()))
}

/// The stylesheets inline, and the start script in the place of the one marked `data-start`.
fn arrange(html: &str, parts: &[String], reloads: bool, read: &dyn Fn(&str) -> Result<Vec<u8>>) -> Result<Sealed> {
    let tags = tags(html)?;
    let mut edits = Vec::new();
    let mut inlined = Vec::new();

    let sheets: Vec<&Tag> = tags.iter().filter(|tag| is_link(tag, "stylesheet")).collect();
    let mut style = String::new();
    for sheet in &sheets {
        if sheet.get("media").is_some() {
            return Err("a stylesheet for one medium only has to say so itself, with @media".into());
        }
        let name = file_name(sheet.get("href").unwrap_or_default())?;
        let text = String::from_utf8(read(name)?).map_err(|error| format!("{name}: {error}"))?;
        if text.contains("</style") || text.contains("@import") {
            return Err(format!("{name}: a stylesheet can hold neither </style nor @import"));
        }
        style += text.trim();
        style.push('\n');
        inlined.push(name.to_owned());
        edits.push((sheet.span.clone(), String::new()));
    }
    if let Some(first) = edits.first_mut() {
        first.1 = format!("<style>\n{style}</style>");
    }

    let start = start_script(&tags)?;
    let js = file_name(start.get("data-start").unwrap_or_default())?;
    let wasm = file_name(start.get("data-wasm").unwrap_or_default())?;
    // A debug build takes seconds to hash, and is rebuilt at every save.
    let integrity = if reloads { String::new() } else { sha256(&read(wasm)?) };
    let later = if parts.is_empty() { String::new() } else { ask_later(parts, read)? };
    let request = format!(
        "<script>const wasm = fetch(\"./{wasm}\", {{ integrity: \"{integrity}\" }});{later}</script>\n\
         <link rel=\"modulepreload\" href=\"./{js}\">\n",
    );
    let runs = "try {\n  \
                  const { default: start } = await import(\"./JS\");\n  \
                  await start({ module_or_path: wasm });\n\
                } catch (error) {\n  \
                  document.documentElement.dataset.start = \"failed\";\n  \
                  throw error;\n\
                }";
    edits.push((
        start.span.start..start.end,
        format!("<script type=\"module\">\n{}\n</script>", runs.replace("JS", js)),
    ));

    // Scripts wait for the styles before them, so the request goes before every style and script.
    let first = tags.iter().find(|tag| matches!(tag.name, "script" | "style") || is_link(tag, "stylesheet"));
    let first = first.map_or(start.span.start, |tag| tag.span.start);
    edits.insert(0, (first..first, request));
    Ok(Sealed { html: apply(html, edits), inlined })
}

/// Script that asks for the parts when the page does. Without being asked, it gets what stands under the total once the first
/// file has arrived, so that the two do not share the line, and all at once where the link describes a model: the keys are
/// those of `describes` and of `View` in `src/link.rs`.
fn ask_later(parts: &[String], read: &dyn Fn(&str) -> Result<Vec<u8>>) -> Result<String> {
    let files = split::PARTS.iter().zip(parts).map(|(part, name)| {
        let integrity = sha256(&read(name)?);
        Ok(format!("  {part}: {{ address: \"./{name}\", integrity: \"{integrity}\" }},\n"))
    });
    let files = files.collect::<Result<String>>()?;
    Ok(format!(
        "\nconst later = {{\n{files}}};\n\
         const ask = file => file.response ??= fetch(file.address, file);\n\
         if (/[?&](model(_type|_kind)?|config)=/.test(location.search)) Object.values(later).forEach(ask);\n\
         else if (!/[?&]show=total(&|$)/.test(location.search)) wasm.then(() => ask(later.details)).catch(() => {{}});\n"
    ))
}

/// Subresource integrity on everything that the page loads as a script.
fn set_integrity(html: &str, read: &dyn Fn(&str) -> Result<Vec<u8>>) -> Result<String> {
    let mut edits = Vec::new();
    for tag in tags(html)? {
        let address = match tag.name {
            "link" if is_link(&tag, "modulepreload") => tag.get("href"),
            "script" => tag.get("src"),
            _ => None,
        };
        if let Some(address) = address {
            if tag.get("integrity").is_some() {
                return Err(format!("{address} has an integrity hash already"));
            }
            let hash = sha256(&read(file_name(address)?)?);
            let name_end = tag.span.start + "<".len() + tag.name.len();
            edits.push((name_end..name_end, format!(" integrity=\"{hash}\"")));
        }
    }
    Ok(apply(html, edits))
}

/// The policy, in the place that the page keeps for it.
fn set_policy(html: &str, reloads: bool) -> Result<String> {
    let tags = tags(html)?;
    let (mut scripts, mut styles) = (Vec::new(), Vec::new());
    for tag in &tags {
        if let Some((name, _)) = tag.attributes.iter().find(|(name, _)| *name == "style" || name.starts_with("on")) {
            return Err(format!("the policy forbids the attribute {name} of {}", &html[tag.span.clone()]));
        }
        match tag.name {
            "script" if tag.get("src").is_none() && is_run(tag) => scripts.push(sha256(&html[tag.content.clone()])),
            "style" => styles.push(sha256(&html[tag.content.clone()])),
            _ => {}
        }
    }
    let policy = policy(&scripts, &styles, reloads);

    let is_place = |tag: &&Tag| tag.get("http-equiv") == Some("Content-Security-Policy");
    let places: Vec<&Tag> = tags.iter().filter(is_place).collect();
    let [place] = places[..] else {
        return Err(format!("one <meta http-equiv=\"Content-Security-Policy\"> is expected, got {}", places.len()));
    };
    let loads = |tag: &&Tag| matches!(tag.name, "link" | "script" | "style");
    if tags.iter().find(loads).is_some_and(|tag| tag.span.start < place.span.start) {
        return Err("the policy has to stand before everything that it is for".into());
    }
    let meta = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    let html = apply(html, vec![(place.span.clone(), meta)]);
    match html.find("<meta charset") {
        Some(position) if position + "<meta charset=\"utf-8\">".len() <= CHARSET_WITHIN => Ok(html),
        _ => Err(format!("<meta charset> has to stand within the first {CHARSET_WITHIN} bytes")),
    }
}

fn policy(scripts: &[String], styles: &[String], reloads: bool) -> String {
    let hashes = |hashes: &[String]| hashes.iter().map(|hash| format!(" '{hash}'")).collect::<String>();
    let socket = if reloads { " ws://127.0.0.1:* ws://localhost:*" } else { "" };
    [
        "default-src 'none'".to_owned(),
        format!("script-src 'self' 'wasm-unsafe-eval'{}", hashes(scripts)),
        format!("style-src 'self'{}", hashes(styles)),
        "img-src 'self' data: blob:".to_owned(),
        format!("connect-src 'self'{socket}"),
        "manifest-src 'self'".to_owned(),
        "base-uri 'none'".to_owned(),
        "form-action 'none'".to_owned(),
    ]
    .join("; ")
}

fn is_link(tag: &Tag, relation: &str) -> bool {
    tag.name == "link" && tag.get("rel").is_some_and(|rel| rel.split_ascii_whitespace().any(|word| word == relation))
}

/// Whether a script element is code, and not data such as JSON-LD, which no policy concerns.
fn is_run(script: &Tag) -> bool {
    matches!(script.get("type"), None | Some("" | "module" | "text/javascript" | "importmap"))
}

/// The file that a relative address names; the page and all it loads stand in one folder.
fn file_name(address: &str) -> Result<&str> {
    let name = address.strip_prefix("./").unwrap_or(address);
    if name.is_empty() || name.contains(['/', ':', '?', '#', '"', '\\']) {
        return Err(format!("`{address}` is not the relative address of a file beside the page"));
    }
    Ok(name)
}

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}

fn apply(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for (range, replacement) in edits {
        result += &text[at..range.start];
        result += &replacement;
        at = range.end;
    }
    result + &text[at..]
}

#[cfg(test)]
mod tests;
