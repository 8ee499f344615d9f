//! Row streams, written as their lines.

use schemas::row::Reader;
use schemas::stream::RowItem;

pub const ENVIRONMENT: &str = "client_1";

/// Lines of a row stream, in any order but for `begin` and `end`.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    pub started: String,
    pub environment: String,
    pub lines: Vec<String>,
    pub ended: bool,
}

pub fn time(second: u32) -> String {
    format!("2026-11-22T10:{:02}:{:02}.000000Z", second / 60, second % 60)
}

pub fn tie(tie: u64) -> String {
    format!("{tie:016x}")
}

impl Stream {
    pub fn new(started: &str) -> Self {
        Self { started: started.to_owned(), environment: ENVIRONMENT.to_owned(), lines: Vec::new(), ended: true }
    }

    /// Every list of the catalog was read.
    pub fn complete(started: &str) -> Self {
        let mut stream = Self::new(started);
        for resource in schemas::catalog::RESOURCES {
            stream = stream.done(resource.name);
        }
        stream
    }

    /// Every list but these, which were not readable.
    pub fn without(started: &str, unavailable: &[&str]) -> Self {
        let mut stream = Self::new(started);
        for resource in schemas::catalog::RESOURCES {
            stream = if unavailable.contains(&resource.name) {
                stream.line(format!(
                    r#"{{"kind":"done","resource":"{}","parent":null,"status":"unavailable","reason":"403 forbidden"}}"#,
                    resource.name
                ))
            } else {
                stream.done(resource.name)
            };
        }
        stream
    }

    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    pub fn done(self, resource: &str) -> Self {
        self.line(format!(r#"{{"kind":"done","resource":"{resource}","parent":null,"status":"complete"}}"#))
    }

    pub fn done_for(self, resource: &str, parent: &[(&str, &str)], status: &str) -> Self {
        let ids: Vec<String> = parent.iter().map(|(k, v)| format!(r#""{k}":"{v}""#)).collect();
        self.line(format!(
            r#"{{"kind":"done","resource":"{resource}","parent":{{{}}},"status":"{status}","reason":"{status}"}}"#,
            ids.join(",")
        ))
    }

    /// A node whose version and tie are small numbers.
    pub fn node(self, table: &str, id: &str, version: u32, members: &str) -> Self {
        self.line(node(table, id, version, u64::from(version), members))
    }

    pub fn domain(self, id: &str, version: u32, organization: (&str, u32)) -> Self {
        let (org, org_version) = organization;
        let owner = owner("WorkOSOrganization", org, org_version, u64::from(org_version));
        let (at, tie) = (time(version), tie(version.into()));
        self.line(format!(
            r#"{{"kind":"row","table":"WorkOSOrganizationDomain","version":"{at}","tie":"{tie}","owner":{owner},"row":{{"id":"{id}","organization_id":"{org}"}}}}"#
        ))
    }

    pub fn edge(self, key: &str, source: &str, target: &str, owner: Option<(&str, &str, u32)>) -> Self {
        self.line(edge(key, source, target, owner.map(|(t, i, v)| (t, i, v, u64::from(v)))))
    }

    pub fn event(self, id: &str, created_at: &str) -> Self {
        self.line(event(id, created_at, 1, "user.created"))
    }

    pub fn quarantine(self, resource: &str, id: &str, line: u32, reason: &str) -> Self {
        self.line(format!(
            r#"{{"kind":"quarantine","resource":"{resource}","line":{line},"index":0,"id":"{id}","reason":"{reason}","record":{{"id":"{id}"}}}}"#
        ))
    }

    /// The items, with batches of `rows` rows.
    pub fn items(&self, rows: usize) -> Vec<RowItem> {
        let begin = format!(
            r#"{{"kind":"begin","protocol":1,"run_id":"01RUN","environment_id":"{}","started_at":"{}"}}"#,
            self.environment, self.started
        );
        let mut items = Vec::new();
        let emit = |line: &str, reader: &mut Reader, items: &mut Vec<RowItem>| {
            reader.line(line, &mut |item| items.push(item)).unwrap_or_else(|e| panic!("{line}: {e}"));
        };
        emit(&begin, &mut Reader::default(), &mut items);
        for lines in self.lines.chunks(rows) {
            let mut reader = Reader::default();
            for line in lines {
                emit(line, &mut reader, &mut items);
            }
            emit(r#"{"kind":"end"}"#, &mut reader, &mut items);
            assert!(matches!(items.pop(), Some(RowItem::End(_))));
        }
        if self.ended {
            emit(r#"{"kind":"end"}"#, &mut Reader::default(), &mut items);
        }
        items
    }
}

pub fn node(table: &str, id: &str, version: u32, tied: u64, members: &str) -> String {
    let (at, tie) = (time(version), tie(tied));
    let comma = if members.is_empty() { "" } else { "," };
    format!(
        r#"{{"kind":"row","table":"{table}","version":"{at}","tie":"{tie}","row":{{"id":"{id}"{comma}{members}}}}}"#
    )
}

pub fn owner(table: &str, id: &str, version: u32, tied: u64) -> String {
    let (at, tie) = (time(version), tie(tied));
    format!(r#"{{"table":"{table}","id":"{id}","version":"{at}","tie":"{tie}"}}"#)
}

pub fn edge(key: &str, source: &str, target: &str, by: Option<(&str, &str, u32, u64)>) -> String {
    let parts: Vec<&str> = key.split('/').collect();
    let owner = by.map_or("null".to_owned(), |(t, i, v, tie)| owner(t, i, v, tie));
    format!(
        r#"{{"kind":"edge","type":"{}","from":"{}","to":"{}","owner":{owner},"row":{{"source_id":"{source}","target_id":"{target}"}}}}"#,
        parts[0], parts[1], parts[2]
    )
}

pub fn event(id: &str, created_at: &str, tied: u64, name: &str) -> String {
    let tie = tie(tied);
    format!(
        r#"{{"kind":"row","table":"events","tie":"{tie}","row":{{"id":"{id}","event":"{name}","created_at":"{created_at}"}}}}"#
    )
}
