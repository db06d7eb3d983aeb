//! Inputs that are picked from a list.

/// One of a fixed list of options: the list, the stable key that links use, the name that people read.
pub trait Choice: Copy + PartialEq + 'static {
    /// Every option, in the order in which it is offered.
    const ALL: &'static [Self];

    /// Stable key, as written in links: lower case, digits and underscores.
    fn key(self) -> &'static str;

    /// Name as the field writes it.
    fn label(self) -> &'static str;

    /// The option with this key, upper or lower case.
    fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|option| option.key().eq_ignore_ascii_case(key))
    }
}
