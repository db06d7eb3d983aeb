//! What waits until typing pauses.

use std::time::Duration;

use leptos::prelude::*;

use crate::reactive::{effect, put};

/// What is far out of sight follows once the input has stood for this long.
pub const OUT_OF_SIGHT: Duration = Duration::from_millis(150);

/// Acts once nothing that `watched` tracks has changed for `delay`, after a change.
pub fn once_quiet(delay: Duration, watched: impl Fn() + Send + 'static, act: impl Fn() + Send + Sync + 'static) {
    let changes = StoredValue::new(0_usize);
    let act = StoredValue::new(act);
    Effect::new(move |first: Option<()>| {
        watched();
        if first.is_some() {
            changes.update_value(|changes| *changes += 1);
            if changes.get_value() == 1 {
                wait(delay, changes, 1, act);
            }
        }
    });
}

/// What takes long to work out: worked out now, so that nothing moves once it is there, and after changes as [`once_quiet`]
/// does. With it, whether what it was worked out of has changed since.
pub fn worked_out<T: Send + Sync + 'static>(
    delay: Duration,
    watched: impl Fn() + Send + Copy + 'static,
    work_out: impl Fn() -> T + Send + Sync + Copy + 'static,
) -> (RwSignal<T>, ReadSignal<bool>) {
    let result = RwSignal::new(work_out());
    let stale = RwSignal::new(false);
    Effect::new(move |first: Option<()>| {
        watched();
        if first.is_some() {
            put(stale, true);
        }
    });
    once_quiet(delay, watched, move || {
        result.set(work_out());
        stale.set(false);
    });
    (result, stale.read_only())
}

/// Counts what `watched` tells for a view that may be far out of sight: each change while it is near, and the last of many,
/// once typing pauses, while it is not.
pub fn as_seen(near: RwSignal<bool>, watched: impl Fn() + Copy + Send + 'static) -> ReadSignal<usize> {
    let seen = RwSignal::new(0_usize);
    let count = move || seen.update(|seen| *seen = seen.wrapping_add(1));
    effect(move || {
        watched();
        // What it has missed shows as it comes near.
        if near.get() {
            count();
        }
    });
    once_quiet(OUT_OF_SIGHT, watched, move || {
        if !near.get_untracked() {
            count();
        }
    });
    seen.read_only()
}

/// One timer at a time: a timer that is cleared would keep its memory.
fn wait<A: Fn() + Send + Sync + 'static>(
    delay: Duration,
    changes: StoredValue<usize>,
    seen: usize,
    act: StoredValue<A>,
) {
    let look = move || match changes.try_get_value() {
        // What asked for it may be gone by now.
        None => {}
        Some(now) if now != seen => wait(delay, changes, now, act),
        Some(_) => {
            changes.set_value(0);
            act.with_value(|act| act());
        }
    };
    set_timeout(look, delay);
}
