//! As much of HTML as the page's own `index.html` needs to be read: its start tags, in order.

use std::ops::Range;

use crate::Result;

/// One start tag. Positions are bytes of the text it was read from.
#[derive(Debug)]
pub(crate) struct Tag<'a> {
    /// In lower case, as the page writes it.
    pub(crate) name: &'a str,
    /// Name and value; the value of an attribute without one is empty.
    pub(crate) attributes: Vec<(&'a str, &'a str)>,
    /// The start tag, from `<` to `>`.
    pub(crate) span: Range<usize>,
    /// What stands between the start and the end tag, for elements whose content is not markup (`script`, `style` …).
    pub(crate) content: Range<usize>,
    /// Where the element ends: after the end tag for those, after the start tag for all others.
    pub(crate) end: usize,
}

impl<'a> Tag<'a> {
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }
}

/// Elements whose content runs to their end tag, whatever it holds.
const RAW: [&str; 4] = ["script", "style", "title", "textarea"];

/// Every start tag of a page.
pub(crate) fn tags(html: &str) -> Result<Vec<Tag<'_>>> {
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(found) = html[at..].find('<') {
        let start = at + found;
        let rest = &html[start + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            let end = comment.find("-->").ok_or("a comment does not end")?;
            at = start + "<!--".len() + end + "-->".len();
        } else if rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let tag = tag(html, start)?;
            at = tag.end;
            tags.push(tag);
        } else {
            at = start + 1;
        }
    }
    Ok(tags)
}

fn tag(html: &str, start: usize) -> Result<Tag<'_>> {
    let unfinished = || format!("a tag does not end: {}", html[start..].lines().next().unwrap_or_default());
    let length =
        |from: usize, stop: &[char]| html[from..].find(|next: char| next.is_ascii_whitespace() || stop.contains(&next));
    let mut at = start + 1 + length(start + 1, &['/', '>']).ok_or_else(unfinished)?;
    let name = &html[start + 1..at];
    let mut attributes = Vec::new();
    loop {
        at += html[at..].find(|next: char| !next.is_ascii_whitespace() && next != '/').ok_or_else(unfinished)?;
        if html[at..].starts_with('>') {
            at += 1;
            break;
        }
        let key_end = at + length(at, &['=', '/', '>']).ok_or_else(unfinished)?;
        let key = &html[at..key_end];
        at = key_end;
        let mut value = "";
        if html[at..].starts_with('=') {
            at += 1;
            let quote = html[at..].chars().next().filter(|mark| matches!(mark, '"' | '\''));
            if quote.is_some() {
                at += 1;
            }
            let length = match quote {
                Some(mark) => html[at..].find(mark),
                None => length(at, &['>']),
            };
            let end = at + length.ok_or_else(unfinished)?;
            value = &html[at..end];
            at = end + usize::from(quote.is_some());
        }
        attributes.push((key, value));
    }
    let (mut content, mut end) = (at..at, at);
    if RAW.contains(&name) {
        let close = format!("</{name}>");
        let length = html[at..].find(&close).ok_or_else(|| format!("<{name}> has no {close}"))?;
        content = at..at + length;
        end = content.end + close.len();
    }
    Ok(Tag { name, attributes, span: start..at, content, end })
}

#[cfg(test)]
mod tests {
    use super::tags;

    #[test]
    fn start_tags_are_read_with_their_attributes() {
        let html = "<!doctype html><link rel=\"icon\" href='./a b.svg' /><p hidden class=note>1 < 2</p>";
        let tags = tags(html).expect("the page is whole");
        assert_eq!(tags.iter().map(|tag| tag.name).collect::<Vec<_>>(), ["link", "p"]);
        assert_eq!(tags[0].attributes, [("rel", "icon"), ("href", "./a b.svg")]);
        assert_eq!(tags[1].attributes, [("hidden", ""), ("class", "note")]);
        assert_eq!(&html[tags[1].span.clone()], "<p hidden class=note>");
    }

    #[test]
    fn the_content_of_scripts_and_comments_is_not_markup() {
        let html = "<!-- <b> --><script>if (a<b) { c = '<i>' }</script><style>p>a{}</style>";
        let tags = tags(html).expect("the page is whole");
        assert_eq!(tags.len(), 2);
        assert_eq!(&html[tags[0].content.clone()], "if (a<b) { c = '<i>' }");
        assert_eq!(&html[tags[0].end..tags[1].span.start], "");
        assert_eq!(tags[1].end, html.len());
    }

    #[test]
    fn a_page_that_breaks_off_is_an_error() {
        for html in ["<p class=\"a", "<p", "<p ", "<script>1", "<!-- a"] {
            assert!(tags(html).is_err(), "{html}");
        }
    }
}
