//! Retries of requests and their back-off: the rules of OpenAI's client, which the reference uses.

use std::time::{Duration, SystemTime};

/// Longest pause in seconds that a server may ask for; more counts as a refusal.
const MOST_ASKED: f64 = 300.0;

/// Limits on retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryRules {
    /// Attempts besides the first.
    pub retries: u32,
}

impl Default for RetryRules {
    fn default() -> Self {
        RetryRules { retries: 2 }
    }
}

/// `true` if a response with this status is worth a retry.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 409 | 429) || status >= 500
}

/// The back-off before retry number `attempt`, from 0: the pause that the server asked for, else half a
/// second, doubled each time up to eight, less up to a quarter by `chance` (0 to 1) to spread clients out.
/// `None` if the server asks for too long a pause.
pub(crate) fn pause(attempt: u32, asked: Option<f64>, chance: f64) -> Option<Duration> {
    match asked {
        Some(seconds) if seconds > MOST_ASKED => None,
        Some(seconds) => Some(Duration::from_secs_f64(seconds.max(0.0))),
        None => {
            let seconds = (0.5 * 2f64.powi(attempt.min(10) as i32)).min(8.0);
            Some(Duration::from_secs_f64(
                seconds * (1.0 - 0.25 * chance.clamp(0.0, 1.0)),
            ))
        }
    }
}

/// Seconds of pause that the headers ask for: `retry-after-ms`, or `retry-after` in seconds or as a date.
pub(crate) fn asked<'a>(header: impl Fn(&str) -> Option<&'a str>, now: SystemTime) -> Option<f64> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    if let Some(milliseconds) = header("retry-after-ms").and_then(number) {
        return Some(milliseconds / 1000.0);
    }
    let after = header("retry-after")?;
    number(after).or_else(|| {
        let date = httpdate::parse_http_date(after.trim()).ok()?;
        Some(
            date.duration_since(now)
                .map_or(0.0, |wait| wait.as_secs_f64()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_that_pass_are_tried_again() {
        let again = [408, 409, 429, 500, 503].map(is_passing);
        assert_eq!(
            (again, [400, 401, 404, 422].map(is_passing)),
            ([true; 5], [false; 4])
        );
    }

    #[test]
    fn pauses_grow_and_follow_the_server() {
        let seconds = |attempt, asked| pause(attempt, asked, 0.0).unwrap().as_secs_f64();
        assert_eq!([0, 1, 2, 9].map(|n| seconds(n, None)), [0.5, 1.0, 2.0, 8.0]);
        assert_eq!(pause(0, None, 1.0).unwrap().as_secs_f64(), 0.375);
        assert_eq!(seconds(5, Some(0.25)), 0.25);
        assert_eq!(pause(0, Some(1e6), 0.0), None);
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        let of = |name: &'static str, value: &'static str| {
            asked(move |header| (header == name).then_some(value), now)
        };
        assert_eq!(of("retry-after", "2"), Some(2.0));
        assert_eq!(of("retry-after-ms", "1500"), Some(1.5));
        assert_eq!(
            of("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"),
            Some(30.0)
        );
        assert_eq!((of("retry-after", "soon"), of("other", "2")), (None, None));
    }
}
