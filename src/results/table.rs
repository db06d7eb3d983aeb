//! The parts as a table: the truth of which the charts are pictures.

use leptos::prelude::*;
use nn_memory::{Bytes, Formula, PartKind, Unit, UnitSystem};

use super::{capitalized, slug};
use crate::form::Outcome;

/// Id of the table, for what describes it.
pub const TABLE_ID: &str = "breakdown-table";

/// The parts, each with its work on demand.
#[component]
pub fn Table(
    /// What follows from the form.
    outcome: Memo<Outcome>,
    /// The units.
    system: RwSignal<UnitSystem>,
) -> impl IntoView {
    let unit = Memo::new(move |_| outcome.with(|outcome| outcome.estimate.total.table_unit(system.get())));
    let system_memory = Signal::derive(move || outcome.with(|outcome| outcome.estimate.system_memory));
    let total_work = RwSignal::new(false);
    let total = Signal::derive(move || outcome.with(|outcome| outcome.estimate.total));
    let memory_work = RwSignal::new(false);
    view! {
        <div class="table-scroll" class:stale=move || outcome.with(Outcome::is_stale) role="region" aria-label="Memory by component" tabindex="0">
            <table class="parts" id=TABLE_ID data-testid="table">
                <thead>
                    <tr>
                        <th scope="col">"Component"</th>
                        <th scope="col" class="number">"Size"</th>
                        <th scope="col" class="number">"%"</th>
                        <th scope="col">"Formula"</th>
                    </tr>
                </thead>
                <tbody>
                    {PartKind::ALL.into_iter().map(|kind| view! { <PartRows kind outcome unit=unit.into()/> }).collect_view()}
                </tbody>
                <tfoot>
                    <tr class="row-total" data-testid="row-total">
                        <th scope="row">"Total"</th>
                        <td class="number"><SizeCell bytes=total unit=unit.into()/></td>
                        <td class="number">{move || if total.get() == Bytes::ZERO { "0.0" } else { "100.0" }}</td>
                        <td><WorkButton slug="total" name="total" open=total_work/></td>
                    </tr>
                    <WorkRow
                        slug="total" open=total_work
                        formula=move || outcome.with(|outcome| outcome.estimate.total_formula.clone())
                        result=move || total.get()
                    />
                    <tr class="row-aside" data-testid="system-memory">
                        <th scope="row">"System RAM to have"</th>
                        <td class="number">
                            <SizeCell
                                bytes=system_memory
                                unit=Signal::derive(move || system_memory.get().display(system.get()).unit)
                            />
                        </td>
                        <td></td>
                        <td><WorkButton slug="system-memory" name="system RAM" open=memory_work/></td>
                    </tr>
                    <WorkRow
                        slug="system-memory" open=memory_work
                        formula=move || outcome.with(|outcome| outcome.estimate.system_memory_formula.clone())
                        result=move || system_memory.get()
                    />
                </tfoot>
            </table>
        </div>
    }
}

#[component]
fn PartRows(kind: PartKind, outcome: Memo<Outcome>, unit: Signal<Unit>) -> impl IntoView {
    let open = RwSignal::new(false);
    let bytes = Signal::derive(move || outcome.with(|outcome| outcome.estimate.part(kind).bytes));
    let share = move || outcome.with(|outcome| outcome.estimate.part(kind).share.to_string());
    view! {
        <tr class="row-part" class:zero=move || bytes.get() == Bytes::ZERO data-testid=format!("row-{}", slug(kind))>
            <th scope="row">
                <span class=format!("dot dot-{}", slug(kind)) aria-hidden="true"></span>
                {capitalized(kind.name())}
            </th>
            <td class="number"><SizeCell bytes unit/></td>
            <td class="number">{share}</td>
            <td><WorkButton slug=slug(kind) name=kind.name() open/></td>
        </tr>
        <WorkRow
            slug=slug(kind) open
            formula=move || outcome.with(|outcome| outcome.estimate.part(kind).formula.clone())
            result=move || bytes.get()
        />
    }
}

/// A figure, its unit in a lighter tone.
#[component]
fn SizeCell(bytes: Signal<Bytes>, unit: Signal<Unit>) -> impl IntoView {
    view! {
        <span class="figure">{move || figure(bytes.get(), unit.get())}</span>
        "\u{2009}"
        <span class="cell-unit">{move || unit.get().name()}</span>
    }
}

/// The figure, or that it is too small to be one.
fn figure(bytes: Bytes, unit: Unit) -> String {
    let figure = bytes.in_unit(unit);
    if figure == "0.00" && bytes > Bytes::ZERO { "< 0.01".to_owned() } else { figure }
}

#[component]
fn WorkButton(slug: &'static str, name: &'static str, open: RwSignal<bool>) -> impl IntoView {
    view! {
        <button
            type="button"
            class="quiet work-button"
            data-testid=format!("show-work-{slug}")
            aria-expanded=move || open.get().to_string()
            aria-controls=format!("work-{slug}")
            aria-label=format!("Work of {name}")
            on:click=move |_| open.update(|open| *open = !*open)
        >
            "Show the work"
        </button>
    }
}

#[component]
fn WorkRow(
    slug: &'static str,
    open: RwSignal<bool>,
    formula: impl Fn() -> Formula + Send + Sync + Copy + 'static,
    result: impl Fn() -> Bytes + Send + Sync + Copy + 'static,
) -> impl IntoView {
    let work = move || {
        open.get().then(|| {
            let formula = formula();
            view! {
                <p class="formula"><code>{formula.symbols()}</code></p>
                <p class="formula"><code>{format!("{} = {}", formula.numbers(), result())}</code></p>
                <dl class="operands">
                    {formula
                        .operands
                        .iter()
                        .map(|operand| view! {
                            <div>
                                <dt><code>{operand.symbol}</code></dt>
                                <dd>{format!("{}: {}", operand.name, operand.value)}</dd>
                            </div>
                        })
                        .collect_view()}
                </dl>
            }
        })
    };
    view! {
        <tr class="work" id=format!("work-{slug}") data-testid=format!("work-{slug}") hidden=move || !open.get()>
            <td colspan="4">{work}</td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_nothing_never_reads_as_nothing() {
        assert_eq!(figure(Bytes::ZERO, Unit::GIB), "0.00");
        assert_eq!(figure(Bytes::new(1), Unit::GIB), "< 0.01");
        assert_eq!(figure(Bytes::gib(3), Unit::GIB), "3.00");
    }
}
