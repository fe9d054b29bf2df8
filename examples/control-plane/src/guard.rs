//! Who may ask: other programs of this user, and this program's own page. Not other pages in the same browser, by whatever
//! name they call this machine.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::message::Refused;
use crate::token::Token;

pub(crate) struct Guard {
    hosts: [String; 2],
    token: Token,
}

const HEADERS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

impl Guard {
    pub(crate) fn new(port: u16, token: Token) -> Self {
        Self { hosts: ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}")), token }
    }

    /// The layer around every answer.
    pub(crate) async fn watch(State(guard): State<Arc<Self>>, request: Request, next: Next) -> Response {
        let mut response = match guard.check(&request) {
            Ok(()) => next.run(request).await,
            Err(refused) => refused.into_response(),
        };
        response.headers_mut().extend(HEADERS);
        response
    }

    fn check(&self, request: &Request) -> Result<(), Refused> {
        let headers = request.headers();
        let refused = |status, why: &str| Err(Refused(status, why.to_owned()));
        // A name that somebody else's server gave this address (DNS rebinding) is in Host.
        let is_ours = |host: &&str| self.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host));
        let Some(host) = one(headers, &header::HOST).filter(is_ours) else {
            return refused(StatusCode::FORBIDDEN, "not this host: ask for http://127.0.0.1 and the port");
        };
        // Browsers name the page that asks; programs name none.
        let our_page = format!("http://{host}");
        if headers.get_all(header::ORIGIN).iter().any(|origin| *origin != our_page) {
            return refused(StatusCode::FORBIDDEN, "not this origin: only the page served here may ask");
        }
        // The page itself holds nothing that is to be kept from anybody.
        if !request.uri().path().starts_with("/api/") || self.has_token(request) {
            return Ok(());
        }
        refused(
            StatusCode::UNAUTHORIZED,
            "no token, or another: give that of the address printed at the start",
        )
    }

    fn has_token(&self, request: &Request) -> bool {
        let (headers, uri) = (request.headers(), request.uri());
        let bearer = one(headers, &header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        // What browsers can give with a WebSocket and with an EventSource; neither address is shown or kept anywhere.
        let protocols = one(headers, &header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default().split(',');
        let in_protocols = protocols.filter_map(|word| word.trim().strip_prefix("token."));
        let query = uri.query().filter(|_| uri.path() == "/api/sse").unwrap_or_default().split('&');
        let in_query = query.filter_map(|pair| pair.strip_prefix("token="));
        bearer.into_iter().chain(in_protocols).chain(in_query).any(|given| self.token.is(given))
    }
}

/// The value of a header that is there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())?.to_str().ok()
}
