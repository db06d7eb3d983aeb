use super::{policy, seal, sha256};
use crate::Result;

const PAGE: &str = r#"<!doctype html>
<html lang="en">
<head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta charset="utf-8">
<script>document.documentElement.dataset.theme = "dark";</script>
<link rel="stylesheet" href="./tokens-1.css">
<link rel="stylesheet" href="./base-2.css">
<script type="module" data-start="./page-3.js" data-wasm="./page-3_bg.wasm"></script>
<script type="application/ld+json">{}</script>
</head>
<body><p class="note">The guide</p></body>
</html>
"#;

const RELOAD: &str = "<script>connect('{{__TRUNK_ADDRESS__}}' + '{{__TRUNK_WS_BASE__}}');</script></body>";

fn read(name: &str) -> Result<Vec<u8>> {
    match name {
        "tokens-1.css" => Ok(b":root { --space: 8px }\n".to_vec()),
        "base-2.css" => Ok(b"p { margin: var(--space) }\n".to_vec()),
        "page-3.js" => Ok(b"export default function start() {}".to_vec()),
        "page-3_bg.wasm" | "page-3_details.wasm" | "page-3_described.wasm" => Ok(b"\0asm".to_vec()),
        _ => Err(format!("{name} is not there")),
    }
}

#[track_caller]
fn sealed(page: &str) -> String {
    seal(page, &[], &read).unwrap_or_else(|error| panic!("{error}")).html
}

#[track_caller]
fn refused(page: &str, word: &str) {
    match seal(page, &[], &read) {
        Ok(sealed) => panic!("sealed as {}", sealed.html),
        Err(error) => assert!(error.contains(word), "{error}"),
    }
}

fn policy_of(html: &str) -> &str {
    let (_, rest) = html.split_once("Content-Security-Policy\" content=\"").expect("a policy");
    rest.split_once('"').expect("its end").0
}

#[test]
fn the_hash_of_every_inline_script_and_style_is_in_the_policy() {
    let html = sealed(PAGE);
    let tags = crate::html::tags(&html).expect("a whole page");
    let hash = |tag: &crate::html::Tag| format!("'{}'", sha256(&html[tag.content.clone()]));
    let code: Vec<_> =
        tags.iter().filter(|tag| tag.name == "script" && tag.get("type") != Some("application/ld+json")).collect();
    assert_eq!(code.len(), 3, "the request, the theme, the start");
    for tag in code.into_iter().chain(tags.iter().filter(|tag| tag.name == "style")) {
        assert!(policy_of(&html).contains(&hash(tag)), "{tag:?}");
    }
    assert_eq!(policy_of(&html).matches("sha256-").count(), 4, "data is not code");
}

#[test]
fn the_policy_changes_with_a_script() {
    let other = PAGE.replace("\"dark\"", "\"light\"");
    assert_ne!(policy_of(&sealed(PAGE)), policy_of(&sealed(&other)));
    assert_eq!(policy_of(&sealed(PAGE)), policy_of(&sealed(&PAGE.replace("The guide", "Another guide"))));
}

#[test]
fn nothing_inline_is_allowed_without_a_hash() {
    for page in [PAGE.to_owned(), PAGE.replace("</body>", RELOAD)] {
        let html = sealed(&page);
        assert!(!html.contains("unsafe-inline") && !html.contains("'unsafe-eval'"), "{html}");
        assert!(policy_of(&html).starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval' 'sha256-"));
    }
}

#[test]
fn only_a_page_that_reloads_may_open_a_socket() {
    assert!(!policy(&[], &[], false).contains("ws:"));
    let html = sealed(&PAGE.replace("</body>", RELOAD));
    assert!(policy_of(&html).contains("connect-src 'self' ws://127.0.0.1:* ws://localhost:*;"));
    assert!(html.contains("connect(window.location.host + '/');"), "the server has nothing left to fill in");
}

#[test]
fn scripts_and_wasm_are_loaded_with_their_hash() {
    let html = sealed(PAGE);
    // printf '\0asm' | openssl dgst -sha256 -binary | base64
    let wasm = "sha256-zV1JNaSMBnLLBkB7tEO8AIev+UfGuGS6yIaYLHOzAn8=";
    assert!(html.contains(&format!("fetch(\"./page-3_bg.wasm\", {{ integrity: \"{wasm}\" }})")), "{html}");
    assert!(
        html.contains("<link integrity=\"sha256-") && html.contains(" rel=\"modulepreload\" href=\"./page-3.js\">")
    );
    assert!(html.contains("await import(\"./page-3.js\")"));
    assert!(!html.contains("data-start="), "the marked script is replaced");
    assert!(!sealed(&PAGE.replace("</body>", RELOAD)).contains(wasm), "a build for live reload is not hashed");
}

#[test]
fn the_request_goes_out_before_any_style_or_script() {
    let html = sealed(PAGE);
    let order = ["Content-Security-Policy", "fetch(", "dataset.theme", "<style>"].map(|mark| html.find(mark));
    assert!(order.is_sorted() && order[0].is_some(), "{order:?}");
}

#[test]
fn the_stylesheets_become_part_of_the_page_in_their_order() {
    let sealed = seal(PAGE, &[], &read).unwrap_or_else(|error| panic!("{error}"));
    assert!(sealed.html.contains("<style>\n:root { --space: 8px }\np { margin: var(--space) }\n</style>"));
    assert!(!sealed.html.contains("stylesheet"));
    assert_eq!(sealed.inlined, ["tokens-1.css", "base-2.css"]);
}

#[test]
fn what_the_policy_would_break_is_refused() {
    refused(&PAGE.replace("class=\"note\"", "style=\"color: red\""), "attribute style");
    refused(&PAGE.replace("class=\"note\"", "onclick=\"run()\""), "attribute onclick");
    refused(&PAGE.replace("./base-2.css", "https://example.org/base.css"), "relative address");
    refused(&PAGE.replace("./page-3.js", "/page-3.js"), "relative address");
}

#[test]
fn a_page_without_its_marks_is_refused() {
    refused(&PAGE.replace("data-start", "data-other"), "data-start");
    refused(&PAGE.replace("http-equiv", "name"), "Content-Security-Policy");
    refused(&PAGE.replace("<meta charset=\"utf-8\">", ""), "charset");
    let late = PAGE.replace("<meta http", "<script>1</script><meta http");
    refused(&late, "before everything");
}

#[test]
fn what_was_split_off_is_asked_for_with_its_hash_and_not_at_once() {
    let parts = ["page-3_details.wasm", "page-3_described.wasm"].map(str::to_owned);
    let sealed = seal(PAGE, &parts, &read).unwrap_or_else(|error| panic!("{error}")).html;
    for part in ["details", "described"] {
        let file = format!("  {part}: {{ address: \"./page-3_{part}.wasm\", integrity: \"sha256-zV1JNaSMBnLLBkB7");
        let place = sealed.find(&file);
        assert!(place.is_some_and(|place| place < sealed.find("<style>").unwrap_or(0)), "{sealed}");
        assert!(!sealed.contains(&format!("fetch(\"./page-3_{part}.wasm")), "{sealed}");
        assert!(!self::sealed(PAGE).contains(part));
    }
}
