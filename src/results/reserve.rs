//! The figures of a described model one upon the other: what is allocated, what the allocator reserves, what the device
//! shows. They follow every block of the allocator, which takes milliseconds: they are worked out once typing pauses.

use std::time::Duration;

use leptos::prelude::*;
use nn_memory::{Bytes, Report, Reserved, UnitSystem};

use crate::built::{Built, built};
use crate::form::Outcome;
use crate::page::Page;
use crate::quiet::{From, once_quiet};
use crate::reactive::{effect, flag, put, text};

/// How long typing pauses before they are worked out.
const DELAY: Duration = Duration::from_millis(300);

/// The figures, each at least the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Figures {
    /// Bytes of tensors, rounded up as the allocator does.
    allocated: Bytes,
    reserved: Reserved,
}

impl Figures {
    /// None where what is asked for is beyond any address.
    fn of(outcome: &Outcome) -> Option<Self> {
        let reserved = Report::reserved(&outcome.scenario)?.ok()?;
        Some(Self { allocated: outcome.estimate.report.as_ref()?.allocated, reserved })
    }

    /// The finding, as charts have it for a title.
    fn title(&self, system: UnitSystem) -> String {
        let device = self.reserved.device.display(system);
        if self.reserved.context == Bytes::ZERO {
            format!("nvidia-smi will show {device} and the driver's context")
        } else {
            format!("nvidia-smi will show {device}")
        }
    }
}

/// A line of the list: its name, what it means, its size.
#[derive(Debug, Clone, Copy)]
struct Line {
    slug: &'static str,
    name: &'static str,
    meaning: &'static str,
    size: fn(&Figures, UnitSystem) -> String,
}

const LINES: [Line; 5] = [
    Line {
        slug: "allocated",
        name: "Allocated",
        meaning: "tensors at the peak, as in the table",
        size: |figures, system| figures.allocated.display(system).to_string(),
    },
    Line {
        slug: "blocks",
        name: "In whole blocks",
        meaning: "what torch.cuda.max_memory_allocated says",
        size: |figures, system| figures.reserved.allocated.display(system).to_string(),
    },
    Line {
        slug: "reserved",
        name: "Reserved",
        meaning: "what torch.cuda.max_memory_reserved says",
        size: |figures, system| figures.reserved.reserved.display(system).to_string(),
    },
    Line {
        slug: "context",
        name: "Context",
        meaning: "the driver's own; set it under Overheads",
        size: |figures, system| match figures.reserved.context {
            Bytes::ZERO => "0.5 to 1 GiB, not counted".to_owned(),
            context => context.display(system).to_string(),
        },
    },
    Line {
        slug: "device",
        name: "On the device",
        meaning: "what nvidia-smi says of the process",
        size: |figures, system| match figures.reserved.context {
            Bytes::ZERO => format!("{} and the context", figures.reserved.device.display(system)),
            _ => figures.reserved.device.display(system).to_string(),
        },
    },
];

/// What the allocator reserves, and with it what the device shows.
pub fn reserve(page: Page) -> Built {
    let Page { outcome, system, .. } = page;
    let figures = RwSignal::new(None::<Figures>);
    // What the figures stand for has changed since.
    let stale = RwSignal::new(true);
    effect(move || {
        outcome.track();
        put(stale, true);
    });
    let work_out = move || {
        figures.set(outcome.with_untracked(Figures::of));
        stale.set(false);
    };
    once_quiet(DELAY, From::Start, move || outcome.track(), work_out);

    let title = move || match figures.get() {
        Some(figures) => figures.title(system.get()),
        None if stale.get() => "What nvidia-smi will show".to_owned(),
        None => "More than any allocator can address".to_owned(),
    };
    let lines = LINES.map(|line| {
        let size = move || figures.with(|figures| figures.as_ref().map(|figures| (line.size)(figures, system.get())));
        built(view! {
            <div>
                <dt>{line.name} <span class="reserve-meaning">{line.meaning}</span></dt>
                <dd data-testid=format!("reserve-{}", line.slug)>{text(move || size().unwrap_or_else(|| "…".to_owned()))}</dd>
            </div>
        })
    });
    built(view! {
        <section class="reserve" class:stale=flag(move || stale.get()) aria-labelledby="reserve-title" data-testid="reserve">
            <h3 id="reserve-title">{text(title)}</h3>
            <dl>{lines.into_iter().collect_view()}</dl>
        </section>
    })
}
