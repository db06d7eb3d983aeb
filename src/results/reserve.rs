//! The three figures of a described model: what is allocated, what the allocator reserves, what the device shows. The
//! second follows every block of the allocator, which takes milliseconds: it is worked out when asked for.

use leptos::prelude::*;
use nn_memory::{Bytes, Report};

use crate::built::{Built, built};
use crate::form::Outcome;
use crate::page::Page;
use crate::reactive::{disclosure, flag, text};

/// The figures in words.
fn words(page: Page) -> String {
    let system = page.system.get();
    page.outcome.with(|outcome: &Outcome| {
        let scenario = &outcome.scenario;
        let Some(Ok(reserved)) = Report::reserved(scenario) else { return String::new() };
        let show = |bytes: Bytes| bytes.display(system).to_string();
        let context = u32::try_from(scenario.overheads.context_mib).map_or(Bytes::ZERO, Bytes::mib);
        let device = reserved.reserved.checked_add(context).unwrap_or(reserved.reserved);
        let last = if context == Bytes::ZERO {
            "The driver's context comes on top: 0.5 to 1 GiB, not counted here (see Overheads).".to_owned()
        } else {
            format!("With the driver's context of {}, the device shows {}.", show(context), show(device))
        };
        format!(
            "Allocated: {}, in whole blocks {}. Reserved by PyTorch's allocator: {}. {last}",
            show(outcome.estimate.total.saturating_sub(context)),
            show(reserved.allocated),
            show(reserved.reserved)
        )
    })
}

/// A button that tells what the allocator reserves.
pub fn reserve(page: Page) -> Built {
    let open = RwSignal::new(false);
    built(view! {
        <section class="accuracy" aria-labelledby="reserve-title" data-testid="reserve">
            <h3 id="reserve-title">"What nvidia-smi will show"</h3>
            {disclosure(
                "quiet",
                "show-reserve".to_owned(),
                "Work it out: what nvidia-smi will show".to_owned(),
                "reserve".to_owned(),
                open,
                built(view! { "Work it out" }),
            )}
            <p id="reserve" hidden=flag(move || !open.get())>
                {text(move || if open.get() { words(page) } else { String::new() })}
            </p>
        </section>
    })
}
