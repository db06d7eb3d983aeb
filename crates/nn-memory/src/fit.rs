//! Whether a job fits a device, and what the host should have.
//!
//! usable = reported × (1 − fragmentation); the margin is 10 % of the reported memory. A total up to usable − margin fits,
//! one up to usable is tight, one above does not fit. The driver's context is part of the total, so it is not taken off
//! the device a second time. The margin covers what the caching allocator reserves beyond what is allocated: 1.08 times
//! in the median of 124 measured PyTorch runs.

use crate::catalog::{DEVICES, Device};
use crate::{Bytes, Decimal, DeviceChoice, Formula, Operand, Overheads, Value};

/// The part of a device's reported memory that should stay free, in percent.
pub const MARGIN_PERCENT: u32 = 10;

/// A total held against a device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Fit {
    /// Memory that the driver reports.
    pub reported: Bytes,
    /// What is left of it after fragmentation.
    pub usable: Bytes,
    /// What should stay free.
    pub margin: Bytes,
    /// The answer.
    pub verdict: Verdict,
    /// The work behind `usable`.
    pub formula: Formula,
}

/// Whether it fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum Verdict {
    /// It fits with the margin kept; this much of the usable memory stays free, margin included.
    Fits {
        /// Usable memory less the total.
        free: Bytes,
    },
    /// It fits, but the margin is not kept.
    Tight {
        /// Usable memory less the total.
        free: Bytes,
    },
    /// It does not fit; this much is missing.
    DoesNotFit {
        /// Total less the usable memory.
        missing: Bytes,
    },
}

impl Fit {
    /// Holds a total against a device.
    pub(crate) fn of(device: DeviceChoice, overheads: &Overheads, total: Bytes) -> Self {
        let reported = device.reported();
        let usable = usable(reported, overheads.fragmentation_percent);
        let margin = margin(reported);
        let verdict = if total > usable {
            Verdict::DoesNotFit { missing: total.saturating_sub(usable) }
        } else {
            let free = usable.saturating_sub(total);
            if free >= margin { Verdict::Fits { free } } else { Verdict::Tight { free } }
        };
        let formula = Formula::new(
            "M × (1 − f)",
            vec![
                Operand { symbol: "M", name: "memory that the driver reports", value: Value::Amount(reported) },
                Operand {
                    symbol: "f",
                    name: "lost to fragmentation",
                    value: Value::Percent(overheads.fragmentation_percent),
                },
            ],
        );
        Self { reported, usable, margin, verdict, formula }
    }
}

fn usable(reported: Bytes, fragmentation_percent: Decimal) -> Bytes {
    let all = 100 * Decimal::ONE;
    let lost = fragmentation_percent.millionths().min(all);
    reported.saturating_sub(reported.scaled_up(lost, all).unwrap_or(reported))
}

fn margin(reported: Bytes) -> Bytes {
    reported.scaled_up(u64::from(MARGIN_PERCENT), 100).unwrap_or(reported)
}

/// The device of the catalogue with the least memory that holds this total with the margin kept: one of the same platform,
/// or any where none of those does.
pub(crate) fn smallest_device(device: DeviceChoice, overheads: &Overheads, total: Bytes) -> Option<&'static Device> {
    let holds = |device: &&Device| {
        let room = usable(device.reported, overheads.fragmentation_percent).saturating_sub(margin(device.reported));
        total <= room
    };
    // DEVICES is sorted by reported memory.
    let alike = DEVICES.iter().filter(|other| other.platform() == device.platform()).find(holds);
    alike.or_else(|| DEVICES.iter().find(holds))
}

/// What counts as device memory for the host's: the device's, or the total where it takes more than one such device.
pub(crate) fn device_memory(device: DeviceChoice, total: Bytes) -> Bytes {
    device.advertised().max(total)
}

/// System memory that a host should have: a quarter more than its devices, for data pipelines and the parameters on their
/// way in.
///
/// ```
/// use nn_memory::{Bytes, system_memory};
///
/// assert_eq!(system_memory(Bytes::gb(350)).get(), 437_500_000_000);
/// ```
pub fn system_memory(device_memory: Bytes) -> Bytes {
    device_memory.scaled_up(5, 4).unwrap_or(Bytes::new(u64::MAX))
}

pub(crate) fn system_memory_formula(device: DeviceChoice, total: Bytes) -> Formula {
    let advertised =
        Operand { symbol: "D", name: "memory of the device as advertised", value: Value::Amount(device.advertised()) };
    if total > device.advertised() {
        let total = Operand { symbol: "T", name: "total, more than the device has", value: Value::Amount(total) };
        return Formula::new("max(D, T) × 1.25", vec![advertised, total]);
    }
    Formula::new("D × 1.25", vec![advertised])
}
