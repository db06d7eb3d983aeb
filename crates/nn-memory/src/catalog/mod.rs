//! What is known of the world: tables with a source on each row.

mod devices;
mod models;

pub use devices::{DEVICES, Device, Multiprocessors, Platform, device};
pub use models::{MODELS, Model};

/// The model with this key, upper or lower case.
pub fn model(key: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.key.eq_ignore_ascii_case(key))
}

/// The device that a form starts with.
pub(crate) fn default_device() -> &'static Device {
    device("rtx-3060-12gb").unwrap_or(&DEVICES[0])
}

#[cfg(feature = "serde")]
impl serde::Serialize for Device {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}
