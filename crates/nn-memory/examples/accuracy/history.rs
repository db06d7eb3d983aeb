//! What the allocator does in a row's run, a line each, in the form in which `measure/history.py` writes PyTorch's.

use std::io::{self, Write};

use nn_memory::{Allocation, HistoryEvent, Report};

use crate::row::Row;

/// Prints `pass`, `segment BYTES`, `+ BYTES #NUMBER WHAT` and `- BYTES #NUMBER WHAT`, where the number is the block's.
pub fn print(row: &Row, out: &mut impl Write) -> io::Result<()> {
    let history = row.scenario.as_ref().and_then(Report::history);
    let events = match (history, &row.outcome) {
        (Some(Ok(events)), _) => events,
        (Some(Err(error)), _) => return Err(io::Error::other(format!("{}: {error}", row.id))),
        (None, Err(reason)) => return Err(io::Error::other(format!("{}: {reason}", row.id))),
        (None, Ok(_)) => return Err(io::Error::other(format!("{}: no described network", row.id))),
    };
    for (place, event) in events.iter().enumerate() {
        let (sign, event) = match event {
            HistoryEvent::Pass => {
                writeln!(out, "pass")?;
                continue;
            }
            HistoryEvent::Segment(bytes) => {
                writeln!(out, "segment {}", bytes.get())?;
                continue;
            }
            HistoryEvent::Allocate(_) => ('+', place),
            HistoryEvent::Free(taken) => ('-', *taken),
        };
        if let Some(HistoryEvent::Allocate(made)) = events.get(event) {
            let Allocation { bytes, module, label, element, shape } = made;
            writeln!(out, "{sign} {} #{event} {module} {label} {} {shape}", bytes.get(), element.name())?;
        }
    }
    Ok(())
}
