//! The trace that a request belongs to (W3C Trace Context): taken from whoever asks us, and passed on unchanged to whom we
//! ask, so that one trace leads through all of them. docparse reports no spans of its own.

use serde::{Deserialize, Serialize};

/// Longest `tracestate` that is passed on, in bytes.
const MOST_STATE: usize = 512;

/// The header of the trace.
pub(crate) const TRACEPARENT: &str = "traceparent";
/// The header of what others keep with it.
pub(crate) const TRACESTATE: &str = "tracestate";

/// A trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    parent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
}

impl TraceContext {
    /// The trace of the values of both headers; `None` if the first is not valid. A state that is not valid is left out.
    pub fn new(parent: &str, state: Option<&str>) -> Option<TraceContext> {
        let is_state = |state: &&str| {
            (1..=MOST_STATE).contains(&state.len())
                && state.bytes().all(|b| matches!(b, b' '..=b'~' | b'\t'))
        };
        is_parent(parent).then(|| TraceContext {
            parent: parent.into(),
            state: state.map(str::trim).filter(is_state).map(String::from),
        })
    }

    /// The value of `traceparent`.
    pub fn parent(&self) -> &str {
        &self.parent
    }

    /// The headers that pass it on.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let state = self.state.iter().map(|state| (TRACESTATE, state.as_str()));
        std::iter::once((TRACEPARENT, self.parent.as_str())).chain(state)
    }
}

/// `true` for version, trace, span and flags in small hexadecimal digits. Later versions than 00 may have more parts.
fn is_parent(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_set = |part: &str| part.bytes().any(|b| b != b'0');
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags, more @ ..] = &parts[..] else {
        return false;
    };
    let lengths = [version, trace, span, flags].map(|part| part.len());
    lengths == [2, 32, 16, 2]
        && [version, trace, span, flags]
            .into_iter()
            .all(|part| is_hex(part))
        && is_set(trace)
        && is_set(span)
        && *version != "ff"
        && (more.is_empty() || *version != "00")
        && text.len() <= MOST_STATE
        && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";

    #[test]
    fn a_trace_is_passed_on_as_it_came() {
        let trace = TraceContext::new(TRACE, Some("a=1,b=2")).unwrap();
        let headers: Vec<_> = trace.headers().collect();
        assert_eq!(headers, [(TRACEPARENT, TRACE), (TRACESTATE, "a=1,b=2")]);
        let long = "x".repeat(MOST_STATE + 1);
        for state in [None, Some(""), Some("a=\u{e9}"), Some(long.as_str())] {
            let trace = TraceContext::new(TRACE, state).unwrap();
            assert_eq!(trace.headers().count(), 1, "{state:?}");
        }
    }

    #[test]
    fn what_is_no_trace_is_dropped() {
        let later = TRACE.replacen("00-", "01-", 1);
        assert!(TraceContext::new(&format!("{later}-more"), None).is_some());
        for text in [
            "",
            "00",
            &TRACE.to_uppercase(),
            &TRACE.replacen("00-", "ff-", 1),
            &format!("{TRACE}-more"),
            &TRACE.replace("0123456789abcdef0123456789abcdef", &"0".repeat(32)),
            &TRACE.replace("-0123456789abcdef-", "-0000000000000000-"),
            &TRACE.replace("-01", "-zz"),
            &TRACE[..54],
            &format!("{later}-\r\nx: y"),
        ] {
            assert_eq!(TraceContext::new(text, None), None, "{text}");
        }
    }
}
