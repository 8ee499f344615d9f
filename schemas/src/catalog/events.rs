use super::connections::CONNECTIONS;
use super::lookups::CONNECTION_TYPE;
use super::{Paging, Record, Request, Resource};
use crate::table::{Column, FactTable, Source, Table, When};

/// `GET /events`
pub static EVENTS: Resource = Resource {
    name: "events",
    doc: "What happened, as far back as the look-back reaches.",
    request: Request { path: "/events", query: &[], parent_query: &[], paging: Paging::Windows },
    parent: None,
    object: "event",
    record: Record { table: Some(Table::Fact(&EVENT)), edges: &[], embedded: &[] },
    brings: &[&CONNECTIONS],
};

const CONNECTION_ID: Source =
    Source::FirstOf(&[Source::Path(&["data", "connection_id"]), Source::Path(&["data", "sso", "connection_id"])]);
const IS_USER: When = When { path: &["data", "object"], equals: "user" };

/// Events.
pub static EVENT: FactTable = FactTable {
    name: "events",
    columns: &[
        Column::text("event", "The type, such as `authentication.sso_succeeded`."),
        Column::time("created_at", "When it happened."),
        Column::text("outcome", "`succeeded` or `failed`, of an authentication.")
            .from(Source::Derived(&[&["event"]], outcome)),
        Column::text("method", "How someone authenticated: `sso`, `password`, `magic_auth`, …")
            .from(Source::Derived(&[&["event"], &["data", "type"]], method)),
        Column::text("organization_id", "The organization it concerns.").from(Source::FirstOf(&[
            Source::Path(&["data", "organization_id"]),
            Source::Path(&["data", "sso", "organization_id"]),
        ])),
        Column::text("user_id", "The user it concerns.")
            .from(Source::FirstOf(&[Source::Path(&["data", "user_id"]), Source::PathWhen(&["data", "id"], IS_USER)])),
        Column::text("connection_id", "The connection it concerns.").from(CONNECTION_ID),
        Column::text("connection_type", "The connection's type, from the event or from this run's connections.").from(
            Source::FirstOf(&[
                Source::Path(&["data", "connection_type"]),
                Source::Lookup { lookup: &CONNECTION_TYPE, key: &CONNECTION_ID, scope: None },
            ]),
        ),
        Column::text("ip_address", "The address of the client.").from(Source::Path(&["data", "ip_address"])),
        Column::text("user_agent", "The user agent of the client.").from(Source::Path(&["data", "user_agent"])),
        Column::text("email", "The e-mail address it concerns.").from(Source::Path(&["data", "email"])),
        Column::json("data", "The object as it was after the event, or before its deletion, without credentials."),
        Column::json("context", "What the event says of its circumstances."),
    ],
    doc: "Something that happened; kept for ever once read, though the API forgets after 90 days.",
};

const AUTHENTICATION: &str = "authentication.";
const OUTCOMES: [&str; 2] = ["succeeded", "failed"];

/// The method and outcome in the name of an authentication event, if it has an outcome.
fn parts(event: &str) -> Option<(&str, &str)> {
    let (method, outcome) = event.strip_prefix(AUTHENTICATION)?.rsplit_once('_')?;
    OUTCOMES.contains(&outcome).then_some((method, outcome))
}

fn outcome<'a>(texts: &[Option<&'a str>]) -> Option<&'a str> {
    Some(parts(texts[0]?)?.1)
}

fn method<'a>(texts: &[Option<&'a str>]) -> Option<&'a str> {
    let event = texts[0]?;
    event.strip_prefix(AUTHENTICATION)?;
    texts[1].or_else(|| Some(parts(event)?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_and_method_come_from_the_name() {
        for (event, kind, expected) in [
            ("authentication.sso_succeeded", None, (Some("succeeded"), Some("sso"))),
            ("authentication.magic_auth_failed", None, (Some("failed"), Some("magic_auth"))),
            ("authentication.oauth_succeeded", Some("google"), (Some("succeeded"), Some("google"))),
            ("authentication.radar_risk_detected", None, (None, None)),
            ("authentication.radar_risk_detected", Some("password"), (None, Some("password"))),
            ("authentication.sso_started", None, (None, None)),
            ("user.failed", Some("sso"), (None, None)),
        ] {
            let texts = [Some(event), kind];
            assert_eq!((outcome(&texts[..1]), method(&texts)), expected, "{event}");
        }
    }
}
