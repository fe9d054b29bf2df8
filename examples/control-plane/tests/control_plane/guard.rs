//! Who may ask, and who may not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use codex_hook_tests::Sandbox;

use crate::support::{Plane, spool};

#[test]
fn only_who_has_the_token_is_answered_and_no_other_page() {
    let sandbox = Sandbox::new();
    spool(&sandbox);
    let plane = Plane::start(&sandbox);
    let (host, bearer, port, token) = (plane.host(), plane.bearer(), plane.port, &plane.token);
    let origin = |origin: &str| format!("Origin: {origin}");
    let cases = [
        (200, "/api/health", vec![host.clone(), bearer.clone()]),
        (200, "/api/health", vec![format!("Host: localhost:{port}"), bearer.clone()]),
        (200, "/api/health", vec![host.clone(), bearer.clone(), origin(&format!("http://127.0.0.1:{port}"))]),
        (401, "/api/health", vec![host.clone()]),
        (401, "/api/health", vec![host.clone(), "Authorization: Bearer 0000".to_owned()]),
        (401, "/api/health", vec![host.clone(), format!("Authorization: Basic {token}")]),
        (401, "/api/threads", vec![host.clone()]),
        (401, "/api/events", vec![host.clone()]),
        (401, "/api/sse", vec![host.clone()]),
        (401, "/api/stream", vec![host.clone()]),
        // Only where browsers can give it in no other way.
        (401, &format!("/api/events?token={token}"), vec![host.clone()]),
        (401, "/api/sse?token=0000", vec![host.clone()]),
        // A name that was made to point here, and a page from elsewhere.
        (403, "/api/health", vec![format!("Host: evil.example:{port}"), bearer.clone()]),
        (403, "/", vec![format!("Host: evil.example:{port}")]),
        (403, "/api/health", vec!["Host: 127.0.0.1".to_owned(), bearer.clone()]),
        (403, "/api/health", vec![host.clone(), host.clone(), bearer.clone()]),
        (403, "/api/health", vec![host.clone(), bearer.clone(), origin("http://evil.example")]),
        (403, "/api/health", vec![host.clone(), bearer.clone(), origin("null")]),
        (
            403,
            "/api/health",
            vec![host.clone(), bearer.clone(), origin(&format!("https://127.0.0.1:{port}"))],
        ),
        (403, "/api/health", vec![host.clone(), bearer.clone(), origin("http://127.0.0.1:1")]),
        (403, "/api/stream", vec![host.clone(), bearer.clone(), origin("http://evil.example")]),
        (200, "/", vec![host.clone()]),
        (404, "/api/else", vec![host.clone(), bearer.clone()]),
        (400, "/api/events?after=42", vec![host.clone(), bearer.clone()]),
        (426, "/api/stream", vec![host.clone(), bearer.clone()]),
    ];
    for (status, path, headers) in cases {
        let answer = plane.answer(&format!("GET {path} HTTP/1.1"), &headers);
        assert_eq!(answer.status, status, "{path} {headers:?}: {}", answer.body);
        assert!(!answer.body.contains(token), "{path}");
        let head = answer.head.to_lowercase();
        assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
        assert!(head.contains("cache-control: no-store") && head.contains("nosniff"), "{head}");
        assert!(!head.contains("access-control-"), "{head}");
    }
    // It observes: there is nothing that could be changed by it.
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let answer =
            plane.answer(&format!("{method} /api/threads HTTP/1.1"), &[host.clone(), bearer.clone()]);
        assert_eq!(answer.status, 405, "{method}");
    }
}

#[test]
fn a_token_that_others_can_read_is_not_used() {
    let sandbox = Sandbox::new();
    spool(&sandbox);
    let file = sandbox.home().join(".local/state/codex-control-plane/token");
    drop(Plane::start(&sandbox));
    let mode = fs::metadata(&file).expect("it was made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_control-plane"));
    let refused = command.args(["--port", "0"]).output().expect("it can be started");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.lines().count() == 1, "{said}");
    assert!(said.contains("others can read the token") && said.contains("remove it"), "{said}");
}
