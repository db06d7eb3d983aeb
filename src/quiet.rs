//! What waits until typing pauses.

use std::time::Duration;

use leptos::prelude::*;

/// When [`once_quiet`] acts for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Once what is there at the start has stood for the delay.
    Start,
    /// After the first change.
    FirstChange,
}

/// Acts once nothing that `watched` tracks has changed for `delay`.
pub fn once_quiet(
    delay: Duration,
    from: From,
    watched: impl Fn() + Send + 'static,
    act: impl Fn() + Send + Sync + 'static,
) {
    let changes = StoredValue::new(0_usize);
    let act = StoredValue::new(act);
    Effect::new(move |first: Option<()>| {
        watched();
        if first.is_some() || from == From::Start {
            changes.update_value(|changes| *changes += 1);
            if changes.get_value() == 1 {
                wait(delay, changes, 1, act);
            }
        }
    });
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
