//! A model of the catalogue, searched for: a combobox with a list, as the ARIA pattern says.

use leptos::html::{Input as InputElement, Ul};
use leptos::prelude::*;
use nn_memory::catalog::{self, Model};
use nn_memory::{Choice, Family, Field, format_count};

use super::super::field::{LONGEST, Shown};
use crate::built::{Built, built};
use crate::page::Page;
use crate::reactive::{effect, flag, optional, text};

const LIST_ID: &str = "model-list";

/// A search field with the models that fit what was typed.
pub fn search(shown: &Shown, page: Page) -> Built {
    let chosen = page.form.text(Field::Model);
    // What was typed since the list was opened; none as long as nothing was.
    let typed = RwSignal::new(None::<String>);
    let opened = RwSignal::new(false);
    let active = RwSignal::new(0_usize);
    let found = Memo::new(move |_| {
        if opened.get() { typed.with(|typed| matches(typed.as_deref().unwrap_or_default())) } else { Vec::new() }
    });
    let list = NodeRef::<Ul>::new();
    let element = NodeRef::<InputElement>::new();
    let is_open = move || opened.get();
    let open = move |text: Option<String>| {
        let place = match text {
            None => chosen.with_untracked(|key| matches("").iter().position(|model| model.key == key)).unwrap_or(0),
            Some(_) => 0,
        };
        typed.set(text);
        active.set(place);
        opened.set(true);
    };
    let close = move || {
        typed.set(None);
        opened.set(false);
    };
    let choose = move |model: &'static Model| {
        close();
        page.form.set(Field::Model, model.key);
    };
    // The option in question stays in sight within the list.
    effect(move || {
        let place = active.get();
        if !is_open() {
            return;
        }
        let Some(list) = list.get() else { return };
        if let Some(option) = list.children().item(u32::try_from(place).unwrap_or(0)) {
            let option: web_sys::HtmlElement = wasm_bindgen::JsCast::unchecked_into(option);
            let (top, height) = (option.offset_top(), option.offset_height());
            if top < list.scroll_top() {
                list.set_scroll_top(top);
            } else if top + height > list.scroll_top() + list.client_height() {
                list.set_scroll_top(top + height - list.client_height());
            }
        }
    });
    let press = move |event: leptos::ev::KeyboardEvent| {
        let key = event.key();
        if !opened.get_untracked() {
            if matches!(key.as_str(), "ArrowDown" | "ArrowUp") {
                event.prevent_default();
                open(None);
            }
            return;
        }
        let last = found.with_untracked(Vec::len).saturating_sub(1);
        match key.as_str() {
            "ArrowDown" => active.update(|place| *place = if *place < last { *place + 1 } else { 0 }),
            "ArrowUp" => active.update(|place| *place = if *place > 0 { *place - 1 } else { last }),
            "Home" => active.set(0),
            "End" => active.set(last),
            "Enter" => {
                let model = found.with_untracked(|found| found.get(active.get_untracked()).copied());
                match model {
                    Some(model) => choose(model),
                    None => close(),
                }
            }
            "Escape" => close(),
            _ => return,
        }
        event.prevent_default();
    };
    let id = shown.id();
    let options = move || {
        let found = found.get();
        found
            .into_iter()
            .enumerate()
            .map(|(place, model)| {
                built(view! {
                    <li
                        role="option"
                        id=format!("model-option-{}", model.key)
                        data-testid=format!("model-option-{}", model.key)
                        aria-selected=text(move || (active.get() == place).to_string())
                        // The field keeps the focus.
                        on:mousedown=move |event: leptos::ev::MouseEvent| event.prevent_default()
                        on:click=move |_| choose(model)
                    >
                        <span>{model.name}</span>
                        <span class="option-detail">{detail(model)}</span>
                    </li>
                })
            })
            .collect_view()
    };
    let active_option = move || {
        let model = found.with(|found| found.get(active.get()).copied());
        model.map(|model| format!("model-option-{}", model.key))
    };
    let shown_text = move || match typed.get() {
        Some(typed) => typed,
        None => chosen.with(|key| catalog::model(key).map_or_else(|| key.clone(), |model| model.name.to_owned())),
    };
    let facts = move || chosen.with(|key| catalog::model(key).map(facts)).unwrap_or_default();
    built(view! {
        <div class="search">
            <input
                type="text"
                role="combobox"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                maxlength=LONGEST
                id=id.clone()
                data-testid=id
                node_ref=element
                prop:value=text(shown_text)
                aria-expanded=text(move || is_open().to_string())
                aria-controls=LIST_ID
                aria-autocomplete="list"
                aria-activedescendant=active_option
                aria-invalid=optional(shown.invalid(page))
                aria-describedby=shown.described_by()
                on:input:target=move |event| open(Some(event.target().value()))
                on:keydown=press
                on:focus=move |_| {
                    if let Some(input) = element.get_untracked() {
                        input.select();
                    }
                }
                on:click=move |_| {
                    if !opened.get_untracked() {
                        open(None);
                    }
                }
                on:blur=move |_| close()
            />
            <ul class="options" id=LIST_ID role="listbox" aria-label="Models" node_ref=list hidden=flag(move || !is_open())>
                {options}
            </ul>
            <p class="no-option" role="status" hidden=flag(move || !is_open() || found.with(|found| !found.is_empty()))>
                "No model of the list. Try a part of its name, or give it by hand."
            </p>
            <p class="facts" data-testid="model-facts">{text(facts)}</p>
        </div>
    })
}

/// Models whose name, key or family hold every word; those whose name begins like that come first.
fn matches(query: &str) -> Vec<&'static Model> {
    let query = query.trim().to_ascii_lowercase();
    let words: Vec<_> = query.split_whitespace().collect();
    let mut found: Vec<_> = catalog::MODELS
        .iter()
        .filter_map(|model| {
            let family = family(model)?;
            let text = format!("{} {} {} {}", model.name, model.key, family.label(), family.key()).to_ascii_lowercase();
            words.iter().all(|word| text.contains(word)).then_some(model)
        })
        .collect();
    found.sort_by_key(|model| !model.name.to_ascii_lowercase().starts_with(&query));
    found
}

/// The family of a model, where it is one that can be described.
fn family(model: &Model) -> Option<Family> {
    let mut quoted = model.config.split('"').skip(1).step_by(2);
    quoted.next().filter(|key| *key == "model_type").and_then(|_| quoted.next()).and_then(Family::from_key)
}

fn detail(model: &Model) -> String {
    let family = family(model).map_or("", Family::label);
    match model.parameters {
        Some(parameters) => format!("{family} · {}", about(parameters)),
        None => family.to_owned(),
    }
}

fn facts(model: &Model) -> String {
    let family = family(model).map_or("", Family::label);
    match model.parameters {
        Some(parameters) => format!("{family}, {} parameters.", format_count(parameters)),
        None => format!("{family}."),
    }
}

/// A count in three digits: `6.74B`.
fn about(count: u64) -> String {
    let (size, suffix) = match count {
        1_000_000_000.. => (1_000_000_000, "B"),
        1_000_000.. => (1_000_000, "M"),
        _ => (1_000, "K"),
    };
    let (unit, places) = match count / size {
        100.. => (1, 0),
        10.. => (10, 1),
        _ => (100, 2),
    };
    let rounded = (count * unit + size / 2) / size;
    if places == 0 {
        return format!("{rounded}{suffix}");
    }
    format!("{}.{:0places$}{suffix}", rounded / unit, rounded % unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_by_words_of_name_key_and_family() {
        let keys = |query: &str| matches(query).into_iter().map(|model| model.key).collect::<Vec<_>>();
        assert_eq!(keys("llama 2 70"), ["llama-2-70b"]);
        assert_eq!(keys("LLAMA-2-70B"), ["llama-2-70b"]);
        assert_eq!(keys("gpt2")[0], "gpt2");
        assert!(keys("tinyllama").len() == 1 && keys("no such model").is_empty());
        let all = catalog::MODELS.iter().filter(|model| family(model).is_some()).count();
        assert_eq!(keys("").len(), all);
        // Those whose name begins so come first.
        assert!(keys("llama")[0].starts_with("llama"));
    }

    #[test]
    fn counts_are_said_in_three_digits() {
        for (count, said) in [
            (6_738_415_616, "6.74B"),
            (68_976_648_192, "69.0B"),
            (405_853_388_800, "406B"),
            (109_514_298, "110M"),
            (22_050_664, "22.1M"),
            (7_850, "7.85K"),
        ] {
            assert_eq!(about(count), said);
        }
    }
}
