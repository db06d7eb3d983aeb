//! What stands under the total, in one value: the table, the charts, the notes, ways to take the answer along.
//!
//! Its file is asked for as soon as the page's own has arrived.

use leptos::prelude::*;

use crate::built::{Built, built};
use crate::charts::{breakdown, chart, sweep};
use crate::described::{self, Described};
use crate::later::later;
use crate::link::View;
use crate::page::Page;
use crate::platform;
use crate::reactive::text;
use crate::results::{TABLE_ID, accuracy, actions, notes, table};

/// What stands under the total.
pub struct Details {
    /// On the page as a person opens it.
    pub full: fn(Page) -> Built,
    /// In the compact view for an iframe.
    pub embedded: fn(Page, &View) -> Built,
}

static DETAILS: Details = Details { full, embedded };

later!(details, Details, DETAILS);

fn full(page: Page) -> Built {
    take_files(page);
    built(view! {
        {chart(breakdown(page), page, Some(TABLE_ID))}
        {table(page)}
        {actions(page)}
        <p class="status" role="status" data-testid="status">{text(move || page.status.get())}</p>
        {of_described(page, |has, page| (has.reserve)(page))}
        {of_described(page, |has, page| chart((has.timeline)(page), page, Some(TABLE_ID)))}
        {chart(sweep(page), page, Some(TABLE_ID))}
        {of_described(page, |has, page| (has.ways)(page))}
        {accuracy(page)}
        {notes(page)}
    })
}

fn embedded(page: Page, view: &View) -> Built {
    take_files(page);
    let shows = |part| view.shows(part);
    let table_id = shows("table").then_some(TABLE_ID);
    built(view! {
        {shows("breakdown").then(|| chart(breakdown(page), page, table_id))}
        {shows("table").then(|| table(page))}
        {shows("timeline").then(|| of_described(page, move |has, page| chart((has.timeline)(page), page, table_id)))}
        {shows("sweep").then(|| chart(sweep(page), page, table_id))}
    })
}

/// Reads what is dropped on the page as a `config.json`.
fn take_files(page: Page) {
    platform::on_file_drop(move |file| {
        page.once_described(move |has| {
            if let Some(has) = has {
                (has.form.take_file)(page, file);
            }
        });
    });
}

/// What only a described model has.
fn of_described(page: Page, view: impl Fn(&'static Described, Page) -> Built + Send + 'static) -> Built {
    let followed = Memo::new(move |_| page.outcome.with(|outcome| outcome.estimate.report.is_some()));
    let shown = move || followed.get().then(described::get).flatten().map(|has| view(has, page));
    built(shown)
}
