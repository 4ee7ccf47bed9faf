//! Whether a request is sent again, and when. Pure.

use std::time::Duration;

use http::StatusCode;
use kube::core::Status;
use tower::BoxError;

/// The first pause; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long a server that is busy or away is asked again.
const BUSY: Duration = Duration::from_mins(1);
const AWAY: Duration = Duration::from_secs(30);
/// How often a server is asked again that breaks down over a request.
const BROKEN_TRIES: u32 = 6;
/// How often a server is asked again that does not answer, or that has never answered.
const SILENT_TRIES: u32 = 2;

/// No answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {seconds} s")]
pub(super) struct Silent {
    /// How long was waited.
    pub(super) seconds: u64,
}

/// Why a request may be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 429 and 503: the server asks to come again, after so many seconds if it says so.
    Busy(StatusCode, Option<u64>),
    /// 500, 502 and 504.
    Broken(StatusCode),
    /// The connection could not be made, or broke.
    Away(String),
    /// No answer in time.
    Silent(u64),
}

impl Trouble {
    /// The trouble of an answer; none where it stands.
    pub(super) fn of_status(status: StatusCode, retry_after: Option<u64>) -> Option<Self> {
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(Self::Busy(status, retry_after)),
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                Some(Self::Broken(status))
            }
            _ => None,
        }
    }

    /// The trouble of a request that was not answered; none where it would not be answered next time either.
    pub(super) fn of_error(error: &BoxError) -> Option<Self> {
        if let Some(silent) = error.downcast_ref::<Silent>() {
            return Some(Self::Silent(silent.seconds));
        }
        let mut cause: &(dyn std::error::Error + 'static) = error.as_ref();
        let mut lost = false;
        loop {
            // A certificate that is refused is refused again; TLS errors come wrapped into errors of input and output.
            if cause.is::<rustls::Error>() || cause.is::<kube::Error>() || cause.is::<Status>() {
                return None;
            }
            let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            if inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) {
                return None;
            }
            lost |= cause.is::<std::io::Error>() || cause.is::<hyper::Error>();
            match cause.source() {
                Some(inner) => cause = inner,
                None => return lost.then(|| Self::Away(cause.to_string())),
            }
        }
    }
}

/// What is to be done about a trouble.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send the request again after this pause.
    Again(Duration),
    /// Say what was answered.
    GiveUp,
}

/// `tries`: how often the request was sent; `elapsed`: since when; `answered`: the server has answered before, any request;
/// `patience`: how long the whole command may wait.
pub(super) fn judge(trouble: &Trouble, tries: u32, elapsed: Duration, answered: bool, patience: Duration) -> Verdict {
    let doubled = FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(16));
    let (most, within, pause) = match trouble {
        Trouble::Busy(_, Some(seconds)) => (u32::MAX, BUSY, Duration::from_secs(*seconds).max(doubled)),
        Trouble::Busy(_, None) => (u32::MAX, BUSY, doubled),
        Trouble::Broken(_) => (BROKEN_TRIES, BUSY, doubled),
        Trouble::Away(_) => (if answered { u32::MAX } else { SILENT_TRIES }, AWAY, doubled.min(Duration::from_secs(2))),
        Trouble::Silent(_) => (SILENT_TRIES, Duration::MAX, doubled),
    };
    let pause = pause.min(LONGEST_PAUSE);
    if tries >= most || elapsed.saturating_add(pause) > within.min(patience) {
        Verdict::GiveUp
    } else {
        Verdict::Again(pause)
    }
}

/// What is told of a pause.
pub(super) fn words(trouble: &Trouble, pause: Duration) -> String {
    let pause = pause.as_secs_f64().ceil();
    match trouble {
        Trouble::Busy(status, Some(seconds)) => {
            format!("the API server answers {status} and asks to wait {seconds} s: trying again in {pause} s")
        }
        Trouble::Busy(status, None) | Trouble::Broken(status) => {
            format!("the API server answers {status}: trying again in {pause} s")
        }
        Trouble::Away(why) => format!("the API server cannot be reached ({why}): trying again in {pause} s"),
        Trouble::Silent(seconds) => format!("the API server has not answered within {seconds} s: trying again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(5);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_server_that_asks_to_wait_for_a_day_is_asked_again_within_seconds_and_not_for_ever() {
        let day = Trouble::Busy(StatusCode::TOO_MANY_REQUESTS, Some(86_400));
        assert_eq!(judge(&day, 1, seconds(0), true, LONG), Verdict::Again(LONGEST_PAUSE));
        assert_eq!(judge(&day, 7, seconds(59), true, LONG), Verdict::GiveUp);
        assert_eq!(judge(&day, 1, seconds(0), true, seconds(5)), Verdict::GiveUp, "the command has no more time");
        assert!(words(&day, LONGEST_PAUSE).contains("asks to wait 86400 s: trying again in 10 s"));
    }

    #[test]
    fn what_the_server_asks_for_is_waited_and_no_less() {
        let two = Trouble::Busy(StatusCode::SERVICE_UNAVAILABLE, Some(2));
        assert_eq!(judge(&two, 1, seconds(0), true, LONG), Verdict::Again(seconds(2)));
        let none = Trouble::Busy(StatusCode::SERVICE_UNAVAILABLE, None);
        assert_eq!(judge(&none, 3, seconds(0), true, LONG), Verdict::Again(FIRST_PAUSE * 4));
        let zero = Trouble::Busy(StatusCode::TOO_MANY_REQUESTS, Some(0));
        assert_eq!(judge(&zero, 1, seconds(0), true, LONG), Verdict::Again(FIRST_PAUSE));
    }

    #[test]
    fn a_server_that_was_there_is_waited_for_longer_than_one_that_never_answered() {
        let away = Trouble::Away("connection refused".to_owned());
        assert_eq!(judge(&away, 9, seconds(20), true, LONG), Verdict::Again(seconds(2)));
        assert_eq!(judge(&away, 9, seconds(29), true, LONG), Verdict::GiveUp);
        assert_eq!(judge(&away, 2, seconds(0), false, LONG), Verdict::GiveUp);
    }

    #[test]
    fn a_request_that_breaks_the_server_is_not_sent_for_ever() {
        let broken = Trouble::Broken(StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(judge(&broken, 5, seconds(0), true, LONG), Verdict::Again(FIRST_PAUSE * 16));
        assert_eq!(judge(&broken, 6, seconds(0), true, LONG), Verdict::GiveUp);
    }

    #[test]
    fn only_some_answers_are_worth_another_try() {
        for code in [200, 201, 400, 401, 403, 404, 409, 410, 422] {
            assert_eq!(Trouble::of_status(StatusCode::from_u16(code).unwrap(), None), None, "{code}");
        }
        for code in [429, 500, 502, 503, 504] {
            assert!(Trouble::of_status(StatusCode::from_u16(code).unwrap(), None).is_some(), "{code}");
        }
    }

    #[test]
    fn a_broken_connection_is_tried_again_and_a_refused_certificate_is_not() {
        let reset: BoxError = Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert!(matches!(Trouble::of_error(&reset), Some(Trouble::Away(_))));
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let refused: BoxError = Box::new(std::io::Error::new(std::io::ErrorKind::InvalidData, refused));
        assert_eq!(Trouble::of_error(&refused), None);
        let large: BoxError = "its answer is larger than 256 MiB".into();
        assert_eq!(Trouble::of_error(&large), None);
    }
}
