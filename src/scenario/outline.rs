//! Where everything stands in a RON text: a tree of places beside the typed value, for messages that point at what they speak of.
//!
//! It reads RON's brackets, keys and literals and understands none of them: what a text means is the deserializer's business, and a text that
//! this reader cannot follow simply has no outline. Depth is bounded, time is linear.

use std::ops::Range;

/// Nesting that is followed; the deserializer follows 128.
const MAX_DEPTH: usize = 128;

/// One value with its place.
#[derive(Debug)]
pub struct Node {
    /// Its bytes in the source.
    pub span: Range<usize>,
    /// The word before its bracket, or the word that it is.
    pub name: Option<Range<usize>>,
    /// What is in its brackets.
    pub items: Vec<Item>,
}

/// One entry of a value.
#[derive(Debug)]
pub struct Item {
    /// Its key: a field's name, or the text of a map's key without its quotes.
    pub key: Option<Range<usize>>,
    /// Its value.
    pub value: Node,
}

/// The outline of one text.
#[derive(Debug)]
pub struct Outline<'a> {
    source: &'a str,
    root: Node,
}

/// A place in the source: that of a value, or of the nearest one around it that is known.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    source: &'a str,
    node: Option<&'a Node>,
    offset: usize,
}

impl<'a> Outline<'a> {
    /// Reads a text; nothing where it cannot be followed.
    pub fn read(source: &'a str) -> Option<Self> {
        let mut reader = Reader { source, at: 0, depth: 0 };
        reader.attributes()?;
        let root = reader.value()?;
        reader.blank()?;
        (reader.at == source.len()).then_some(Self { source, root })
    }

    /// The whole value.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The place of the whole value.
    pub fn place(&'a self) -> Place<'a> {
        Place { source: self.source, node: Some(&self.root), offset: self.root.span.start }
    }

    /// The innermost value around this byte.
    pub fn around(&self, offset: usize) -> &Node {
        let mut node = &self.root;
        while let Some(inner) = node.items.iter().map(|item| &item.value).find(|inner| inner.span.contains(&offset)) {
            node = inner;
        }
        node
    }

    /// The key of the innermost entry around this byte.
    pub fn key_around(&self, offset: usize) -> Option<&'a str> {
        let (mut node, mut key) = (&self.root, None);
        while let Some(item) = node.items.iter().find(|item| item.value.span.contains(&offset)) {
            (node, key) = (&item.value, item.key.clone().or(key));
        }
        key.and_then(|span| self.source.get(span))
    }
}

impl<'a> Place<'a> {
    /// A place in a text that has no outline: its beginning.
    pub fn unknown(source: &'a str) -> Self {
        Self { source, node: None, offset: 0 }
    }

    /// Its byte in the source.
    pub fn offset(self) -> usize {
        self.offset
    }

    /// The value of this field or map key, or where it should be.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        let source = self.source;
        self.inner(|node| node.items.iter().find(|item| item.key.clone().is_some_and(|key| source.get(key) == Some(name))))
    }

    /// The key itself of this field or map entry.
    #[must_use]
    pub fn key(self, name: &str) -> Self {
        let mut place = self;
        if let Some(key) = self
            .some()
            .and_then(|node| node.items.iter().filter_map(|item| item.key.clone()).find(|key| self.source.get(key.clone()) == Some(name)))
        {
            place.offset = key.start;
        }
        place
    }

    /// The entry of this number, from 0.
    #[must_use]
    pub fn item(self, n: usize) -> Self {
        self.inner(|node| node.items.get(n))
    }

    fn inner(self, find: impl FnOnce(&'a Node) -> Option<&'a Item>) -> Self {
        match self.some().and_then(find) {
            Some(item) => Self { node: Some(&item.value), offset: item.value.span.start, ..self },
            None => Self { node: None, ..self },
        }
    }

    /// The node, with `Some(..)` taken off, which may stand around anything optional.
    fn some(self) -> Option<&'a Node> {
        let mut node = self.node?;
        while let (Some("Some"), [item]) = (node.name.clone().and_then(|name| self.source.get(name)), node.items.as_slice()) {
            node = &item.value;
        }
        Some(node)
    }
}

/// Line and column of a byte, both from 1, columns in characters.
pub fn line_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line_start = before.rfind('\n').map_or(0, |n| n + 1);
    (before.matches('\n').count() + 1, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

/// The byte at a line and column as [`line_column`] counts them; the end of the text where it has no such place.
pub fn offset_of(source: &str, line: usize, column: usize) -> usize {
    let line_start = match line.checked_sub(2) {
        None => 0,
        Some(n) => source.match_indices('\n').nth(n).map_or(source.len(), |(at, _)| at + 1),
    };
    let rest = source.get(line_start..).unwrap_or_default();
    line_start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

struct Reader<'a> {
    source: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Everything while it is so.
    fn run(&mut self, so: impl Fn(char) -> bool) -> Range<usize> {
        let from = self.at;
        self.at += self.rest().find(|c| !so(c)).unwrap_or(self.rest().len());
        from..self.at
    }

    /// White space and comments.
    fn blank(&mut self) -> Option<()> {
        loop {
            self.run(char::is_whitespace);
            if self.eat("//") {
                self.run(|c| c != '\n');
            } else if self.eat("/*") {
                let mut depth = 1_usize;
                while depth > 0 {
                    if self.eat("/*") {
                        depth += 1;
                    } else if self.eat("*/") {
                        depth -= 1;
                    } else {
                        self.bump()?;
                    }
                }
            } else {
                return Some(());
            }
        }
    }

    /// `#![enable(...)]` at the beginning.
    fn attributes(&mut self) -> Option<()> {
        self.blank()?;
        while self.eat("#!") {
            self.run(|c| c != ']');
            self.bump()?;
            self.blank()?;
        }
        Some(())
    }

    fn value(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let node = self.value_inside()?;
        self.depth -= 1;
        Some(node)
    }

    fn value_inside(&mut self) -> Option<Node> {
        let from = self.at;
        let leaf = |reader: &Self| Node { span: from..reader.at, name: None, items: Vec::new() };
        match self.peek()? {
            '"' => {
                self.string()?;
                Some(leaf(self))
            }
            '\'' => {
                self.character()?;
                Some(leaf(self))
            }
            c if c.is_ascii_digit() || matches!(c, '+' | '-' | '.') => {
                self.run(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'));
                Some(leaf(self))
            }
            '(' => self.bracket(from, None, ')'),
            '[' => self.bracket(from, None, ']'),
            '{' => self.bracket(from, None, '}'),
            c if c.is_alphabetic() || c == '_' => self.word(from),
            _ => None,
        }
    }

    /// A word, with a bracket behind it or none; also the letters before a raw or byte string.
    fn word(&mut self, from: usize) -> Option<Node> {
        let name = self.run(|c| c.is_alphanumeric() || c == '_');
        let word = self.source.get(name.clone())?;
        let prefix = matches!(word, "r" | "b" | "br");
        if prefix && self.rest().starts_with(['"', '#', '\'']) {
            match self.peek()? {
                '\'' => self.character()?,
                '"' if word == "b" => self.string()?,
                _ => self.raw_string()?,
            }
            return Some(Node { span: from..self.at, name: None, items: Vec::new() });
        }
        let end = self.at;
        self.blank()?;
        if self.peek() == Some('(') {
            return self.bracket(from, Some(name), ')');
        }
        self.at = end;
        Some(Node { span: from..end, name: Some(name), items: Vec::new() })
    }

    /// A bracket with its entries, `key: value` or plain.
    fn bracket(&mut self, from: usize, name: Option<Range<usize>>, close: char) -> Option<Node> {
        self.bump()?;
        let mut items = Vec::new();
        loop {
            self.blank()?;
            if self.peek()? == close {
                self.bump();
                return Some(Node { span: from..self.at, name, items });
            }
            let first = self.value()?;
            self.blank()?;
            let item = if self.eat(":") {
                self.blank()?;
                let value = self.value()?;
                let quoted = self.source.get(first.span.clone()).is_some_and(|text| text.starts_with('"') && text.len() >= 2);
                let key = if quoted { first.span.start + 1..first.span.end - 1 } else { first.span };
                Item { key: Some(key), value }
            } else {
                Item { key: None, value: first }
            };
            items.push(item);
            self.blank()?;
            if !self.eat(",") && self.peek()? != close {
                return None;
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.bump()?;
        loop {
            match self.bump()? {
                '\\' => drop(self.bump()?),
                '"' => return Some(()),
                _ => {}
            }
        }
    }

    fn raw_string(&mut self) -> Option<()> {
        let hashes = self.run(|c| c == '#').len();
        if !self.eat("\"") {
            return None;
        }
        let end = format!("\"{}", "#".repeat(hashes));
        self.at += self.rest().find(&end)? + end.len();
        Some(())
    }

    fn character(&mut self) -> Option<()> {
        self.bump()?;
        if self.bump()? == '\\' {
            self.bump()?;
        }
        self.run(|c| c != '\'' && c != '\n');
        (self.bump()? == '\'').then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "// a comment, \"with a quote\n\
        #![enable(implicit_some)]\n\
        Scenario(\n\
        \x20   id: \"x\", /* nested /* comment */ */\n\
        \x20   title: { \"en\": \"a \\\" (b\", \"zh\": r#\"raw \" ]\"# },\n\
        \x20   specimens: [ Specimen(name: \"a\", mitigations: Some([WorkerPool(threads: 2)])), (name: 'b') ],\n\
        \x20   script: [(at: \"2s\", do: Inject(Compute(busy: \"800ms\")))],\n\
        )\n";

    fn at(place: Place<'_>) -> &str {
        &TEXT[place.offset()..]
    }

    #[test]
    fn every_value_has_its_place() {
        let outline = Outline::read(TEXT).unwrap();
        let root = outline.place();
        assert!(at(root.field("title").field("zh")).starts_with("r#\"raw"));
        assert!(at(root.field("title").key("zh")).starts_with("zh\""));
        assert!(at(root.field("specimens").item(0).field("mitigations").item(0).field("threads")).starts_with("2)"));
        assert!(at(root.field("specimens").item(1)).starts_with("(name: 'b'"));
        assert!(at(root.field("script").item(0).field("do").item(0).field("busy")).starts_with("\"800ms\""));
    }

    #[test]
    fn what_is_not_there_lies_where_it_should_be() {
        let outline = Outline::read(TEXT).unwrap();
        let place = outline.place().field("specimens").item(1).field("title").field("en");
        assert!(at(place).starts_with("(name: 'b'"));
        assert_eq!(line_column(TEXT, place.offset()), (6, 84));
    }

    #[test]
    fn a_byte_knows_what_it_is_in() {
        let outline = Outline::read(TEXT).unwrap();
        let offset = TEXT.find("800ms").unwrap();
        assert_eq!(outline.key_around(offset), Some("busy"));
        assert_eq!(&TEXT[outline.around(offset).span.clone()], "\"800ms\"");
    }

    #[test]
    fn what_cannot_be_followed_has_no_outline() {
        for text in ["", "(", "(a: )", "[1 2]", "\"open", "r#\"open\"", "{\"a\" 1}", "x y", "(\u{0}", &"[".repeat(100_000)] {
            assert!(Outline::read(text).is_none(), "{text:.20}");
        }
    }

    #[test]
    fn places_and_bytes_are_inverse() {
        let text = "ab\n日本語x\n\nend";
        for (offset, _) in text.char_indices() {
            let (line, column) = line_column(text, offset);
            assert_eq!(offset_of(text, line, column), offset);
        }
        assert_eq!((offset_of(text, 9, 9), offset_of(text, 1, 99)), (text.len(), text.len()));
    }
}
