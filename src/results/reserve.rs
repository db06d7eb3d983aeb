//! The figures of a described model one upon the other: what is allocated, what the allocator reserves, what the device
//! shows. They follow every block of the allocator, which takes milliseconds: they are worked out once typing pauses.

use std::time::Duration;

use leptos::prelude::*;
use nn_memory::catalog::Platform;
use nn_memory::{Bytes, Report, Reserved, Room, UnitSystem};

use crate::built::{Built, built};
use crate::form::Outcome;
use crate::page::Page;
use crate::quiet::worked_out;
use crate::reactive::{flag, text};

/// How long typing pauses before they are worked out.
const DELAY: Duration = Duration::from_millis(300);

/// The figures, each at least the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Figures {
    /// Bytes of tensors, rounded up as the allocator does.
    allocated: Bytes,
    reserved: Reserved,
    /// What the driver reports of the device.
    reported: Bytes,
    room: Room,
    tool: &'static str,
}

impl Figures {
    /// None where what is asked for is beyond any address, and where another allocator hands memory out.
    fn of(outcome: &Outcome) -> Option<Self> {
        let tool = tool(outcome)?;
        let reserved = Report::reserved(&outcome.scenario)?.ok()?;
        let reported = outcome.estimate.fit.reported;
        let room = reserved.room(reported);
        Some(Self { allocated: outcome.estimate.report.as_ref()?.allocated, reserved, reported, room, tool })
    }

    /// All that the process would take.
    fn device(&self, system: UnitSystem) -> String {
        let device = self.reserved.device.display(system);
        match self.reserved.context {
            Bytes::ZERO => format!("{device} and the driver's context"),
            _ => device.to_string(),
        }
    }

    /// The finding, as charts have it for a title.
    fn title(&self, system: UnitSystem) -> String {
        let (tool, device) = (self.tool, self.device(system));
        match self.room {
            Room::Enough => format!("{tool} will show {device}"),
            Room::GivesBack => format!("{tool} will show the device full: {device} would be more than it has"),
            Room::TooLittle => format!("{tool} would show {device}: more than the device has"),
        }
    }

    /// What becomes of it where the device has less.
    fn consequence(&self, system: UnitSystem) -> String {
        let (reported, blocks) = (self.reported.display(system), self.reserved.allocated.display(system));
        match self.room {
            Room::Enough => String::new(),
            Room::GivesBack => format!(
                "The driver reports {reported}, of which {blocks} are in use at once: it runs, tightly. When the device is full, PyTorch's allocator gives back cached blocks that nothing uses and tries again, which takes time; where what is left is in pieces too small, it still runs out of memory."
            ),
            Room::TooLittle => format!(
                "The driver reports {reported}. {blocks} in blocks that are in use at once and the driver's context do not fit in it: expect it to run out of memory."
            ),
        }
    }
}

/// What shows a process's memory on the device; none where its allocator is not the one that is followed.
fn tool(outcome: &Outcome) -> Option<&'static str> {
    match outcome.scenario.device.platform() {
        Platform::Cuda => Some("nvidia-smi"),
        Platform::Rocm => Some("rocm-smi"),
        Platform::Metal => None,
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
        size: |figures, system| match figures.room {
            Room::GivesBack => format!("all of {}", figures.reported.display(system)),
            Room::Enough | Room::TooLittle => figures.device(system),
        },
    },
];

/// What the allocator reserves, and with it what the device shows.
pub fn reserve(page: Page) -> Built {
    let Page { outcome, system, .. } = page;
    let (figures, stale) = worked_out(DELAY, move || outcome.track(), move || outcome.with_untracked(Figures::of));

    let tool = Memo::new(move |_| outcome.with(tool));
    let title = move || match (figures.get(), tool.get()) {
        (_, None) => "What Metal's allocator reserves is not followed".to_owned(),
        (Some(figures), _) => figures.title(system.get()),
        (None, Some(tool)) if stale.get() => format!("What {tool} will show"),
        (None, _) => "More than any allocator can address".to_owned(),
    };
    let consequence = move || {
        match tool.get() {
        Some(_) => figures.with(|figures| figures.as_ref().map(|figures| figures.consequence(system.get()))),
        None => Some("The figures above are those of CUDA's kernels. Tensors are as large with Metal; what stands for a moment, and what the allocator keeps, differs.".to_owned()),
    }
    };
    let consequence = Memo::new(move |_| consequence().unwrap_or_default());
    let lines = LINES.map(|line| {
        let size = move || figures.with(|figures| figures.as_ref().map(|figures| (line.size)(figures, system.get())));
        let meaning = move || line.meaning.replace("nvidia-smi", tool.get().unwrap_or_default());
        built(view! {
            <div>
                <dt>{line.name} <span class="reserve-meaning">{text(meaning)}</span></dt>
                <dd data-testid=format!("reserve-{}", line.slug)>{text(move || size().unwrap_or_else(|| "…".to_owned()))}</dd>
            </div>
        })
    });
    built(view! {
        <section class="reserve" class:stale=flag(move || stale.get()) aria-labelledby="reserve-title" data-testid="reserve">
            <h3 id="reserve-title">{text(title)}</h3>
            <p class="reserve-room" data-testid="reserve-room" hidden=flag(move || consequence.with(String::is_empty))>
                {text(move || consequence.get())}
            </p>
            <dl hidden=flag(move || tool.get().is_none())>{lines.into_iter().collect_view()}</dl>
        </section>
    })
}

#[cfg(test)]
mod tests {
    use nn_memory::{Attention, DeviceChoice, Model, PrecisionMode, Run, Scenario, Task, catalog, estimate};

    use super::*;

    fn figures(device: &str, batch_size: u64) -> Option<Figures> {
        let model = Model::Named(catalog::model("llama-3.2-1b").expect("a row"));
        let run = Run { precision: PrecisionMode::Bf16, attention: Attention::Sdpa, ..Run::default() };
        let device = DeviceChoice::Catalog(catalog::device(device).expect("a row"));
        let task = Task::Inference;
        let scenario = Scenario { model, run, task, device, batch_size, sequence_length: 8_192, ..Scenario::default() };
        let estimate = estimate(&scenario).expect("an estimate");
        Figures::of(&Outcome { scenario, estimate, ..Outcome::of(&crate::form::Texts::default(), None) })
    }

    /// The head said that it fits, the panel that more is shown than the device has.
    #[test]
    fn a_full_device_says_what_happens() {
        let full = figures("rtx-6000-ada-48gb", 16).expect("figures");
        assert_eq!(full.room, Room::GivesBack);
        assert!(full.title(UnitSystem::Binary).starts_with("nvidia-smi will show the device full: 48.14 GiB "));
        assert!(full.consequence(UnitSystem::Binary).contains("it runs, tightly"));
        let fits = figures("h100-80gb", 16).expect("figures");
        assert_eq!(fits.consequence(UnitSystem::Binary), "");
        // As measured under the null GPU, which is a Hopper: cuBLAS' workspace is larger there than on an Ada.
        assert_eq!(fits.title(UnitSystem::Binary), "nvidia-smi will show 48.17 GiB and the driver's context");
        let not = figures("rtx-6000-ada-48gb", 64).expect("figures");
        assert!(not.title(UnitSystem::Binary).ends_with(": more than the device has"));
    }

    #[test]
    fn other_platforms_have_their_own_tools() {
        assert_eq!(figures("apple-128gb", 1), None);
        let amd = figures("mi300x-192gb", 1).expect("figures");
        assert!(amd.title(UnitSystem::Binary).starts_with("rocm-smi will show "));
    }
}
