//! Tags and text of HTML, told apart as Python's `html.parser` does: any text is read, and what is no tag is text.

/// A piece of an HTML text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    /// Text as it stands, its character references not replaced.
    Text(&'a str),
    /// A tag that opens an element.
    Open(Tag),
    /// A tag that closes an element, with its name in small letters.
    Close(String),
    /// A comment as it stands.
    Comment(&'a str),
    /// A declaration or instruction.
    Declaration(&'a str),
}

/// Tags that never end are searched to the end of the text. Once that was done for this many times its length, only this
/// many bytes of each are looked at.
const MAX_VAIN_READINGS: usize = 8;
const MAX_TAG_AFTER_THAT: usize = 256;

/// The tokens of a text, in order. Time is linear in the length of the text.
pub struct Tokens<'a> {
    rest: &'a str,
    /// Bytes of the text from the last `>` on, and from the last `-->` on, if there is one: a rest that is shorter has none.
    from_last_end: usize,
    from_last_comment_end: usize,
    /// Bytes that may still be searched in vain.
    patience: usize,
    /// A tag of a table whose quotes do not end inside of it is read without them.
    mends: bool,
}

/// Elements of tables whose tags are mended.
const OF_TABLES: [&str; 4] = ["table", "tr", "td", "th"];

impl<'a> Tokens<'a> {
    /// The tokens of any text.
    pub fn new(text: &'a str) -> Self {
        let from_last = |mark: &str| text.rfind(mark).map_or(usize::MAX, |at| text.len() - at);
        Tokens {
            rest: text,
            from_last_end: from_last(">"),
            from_last_comment_end: from_last("-->"),
            patience: text.len().saturating_mul(MAX_VAIN_READINGS),
            mends: false,
        }
    }

    /// As [`Tokens::new`], but an attribute of a table whose quote is missing (`colspan="2>`) does not take in what follows.
    pub fn mending(text: &'a str) -> Self {
        Tokens {
            mends: true,
            ..Tokens::new(text)
        }
    }

    /// The tag of a table at the start of a text, read without its quotes.
    fn mended(&self, after: &str) -> Option<(Tag, usize)> {
        let end = after.find(['<', '>']).filter(|_| self.mends)?;
        let inside = after.get(..=end).filter(|inside| inside.ends_with('>'))?;
        let tag = Tag::read(&inside.replace(['"', '\''], " "))?.0;
        let is_of_table = OF_TABLES.contains(&tag.name.as_str());
        is_of_table.then_some((tag, end + 1))
    }

    /// The token at the start of the rest, which is not empty, and its length in bytes.
    fn read(&mut self) -> (Token<'a>, usize) {
        let text = self.rest;
        let Some(after) = text.strip_prefix('<') else {
            let end = text.find('<').unwrap_or(text.len());
            return (Token::Text(&text[..end]), end);
        };
        let is_letter = |s: &str| s.starts_with(|c: char| c.is_ascii_alphabetic());
        if after.len() < self.from_last_end {
            // No tag ends any more.
        } else if let Some(rest) = after.strip_prefix("!--") {
            if rest.len() >= self.from_last_comment_end
                && let Some(end) = rest.find("-->")
            {
                let length = "<!--".len() + end + "-->".len();
                return (Token::Comment(&text[..length]), length);
            }
        } else if is_letter(after) {
            let looked_at = match self.patience {
                0 => &after[..after.floor_char_boundary(MAX_TAG_AFTER_THAT)],
                _ => after,
            };
            let found = Tag::read(looked_at);
            let is_whole = |(tag, _): &(Tag, usize)| !self.mends || !tag.takes_in_tags();
            if found.is_none() {
                self.patience = self.patience.saturating_sub(looked_at.len());
            }
            if let Some((tag, length)) = found.filter(is_whole).or_else(|| self.mended(after)) {
                return (Token::Open(tag), length + 1);
            }
        } else if let Some(rest) = after.strip_prefix('/')
            && is_letter(rest)
            && let Some(end) = rest.find('>')
        {
            let name = rest[..end].split(is_html_space).next();
            let name = name.unwrap_or_default().to_lowercase();
            return (Token::Close(name), end + "</>".len());
        } else if after.starts_with(['!', '?', '/'])
            && let Some(end) = after.find('>')
        {
            let length = end + "<>".len();
            return (Token::Declaration(&text[..length]), length);
        }
        (Token::Text(&text[..1]), 1)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let (token, length) = self.read();
        self.rest = &self.rest[length..];
        Some(token)
    }
}

/// A tag that opens an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name in small letters.
    pub name: String,
    /// Names in small letters and values of its attributes, as they stand; a name may come twice.
    pub attributes: Vec<(String, String)>,
    /// It ends with `/>`.
    pub closed: bool,
}

fn is_html_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0c')
}

impl Tag {
    /// `true` if a value of a tag of a table holds brackets: its quote is missing.
    fn takes_in_tags(&self) -> bool {
        let mut values = self.attributes.iter().map(|(_, value)| value);
        OF_TABLES.contains(&self.name.as_str()) && values.any(|value| value.contains(['<', '>']))
    }

    /// Reads the inside of an opening tag and its end; the bytes read. `None` when it never ends.
    pub fn read(text: &str) -> Option<(Tag, usize)> {
        let name_end = text.find(|c: char| is_html_space(c) || matches!(c, '/' | '>'))?;
        let mut tag = Tag {
            name: text[..name_end].to_lowercase(),
            attributes: Vec::new(),
            closed: false,
        };
        let mut at = name_end;
        loop {
            at += text[at..].find(|c: char| !is_html_space(c))?;
            let rest = &text[at..];
            if rest.starts_with("/>") {
                tag.closed = true;
                return Some((tag, at + 2));
            }
            if rest.starts_with('>') {
                return Some((tag, at + 1));
            }
            if rest.starts_with('/') {
                at += 1;
                continue;
            }
            at += tag.attribute(rest)?;
        }
    }

    /// Reads an attribute; the bytes read.
    fn attribute(&mut self, text: &str) -> Option<usize> {
        // Its first character may be anything, even an equals sign or a quote.
        let first = text.chars().next()?.len_utf8();
        let stop = |c: char| is_html_space(c) || matches!(c, '/' | '>' | '=');
        let name_end = first + text[first..].find(stop)?;
        let key = text[..name_end].to_lowercase();
        let after = text[name_end..].trim_start_matches(is_html_space);
        let Some(value) = after.strip_prefix('=') else {
            self.attributes.push((key, String::new()));
            return Some(name_end);
        };
        let value = value
            .trim_start_matches('=')
            .trim_start_matches(is_html_space);
        let start = text.len() - value.len();
        let (value, length) = match value.chars().next()? {
            quote @ ('"' | '\'') => {
                let inner = &value[1..];
                let end = inner.find(quote)?;
                (&inner[..end], end + 2)
            }
            _ => {
                let end = value.find(|c: char| is_html_space(c) || c == '>')?;
                (&value[..end], end)
            }
        };
        let mut value = decoded(value);
        if key == "class" {
            value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        self.attributes.push((key, value));
        Some(start + length)
    }
}

/// Text with its entities replaced; their semicolon may be missing, and unknown ones lose it.
pub fn decoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (kind, digits): (usize, fn(u8) -> bool) = match after.as_bytes() {
            [b'#', b'x' | b'X', ..] => (2, |b| b.is_ascii_hexdigit()),
            [b'#', ..] => (1, |b| b.is_ascii_digit()),
            _ => (0, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.')),
        };
        let length = kind + after.bytes().skip(kind).take_while(|b| digits(*b)).count();
        let starts = kind > 0 || after.starts_with(|c: char| c.is_ascii_alphabetic());
        if length == kind || !starts {
            out.push('&');
            rest = after;
            continue;
        }
        let name = &after[..length];
        let entity = format!("&{name};");
        let character = html_escape::decode_html_entities(&entity);
        match character == entity {
            true => out.push_str(&format!("&{name}")),
            false => out.push_str(&character),
        }
        rest = after[length..]
            .strip_prefix(';')
            .unwrap_or(&after[length..]);
    }
    out.push_str(rest);
    out
}
