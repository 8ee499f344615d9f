//! Lines of a raw stream, and the row stream that comes of them.

use std::io::Cursor;
use std::sync::Mutex;

use bytes::Bytes;
use schemas::row;
use serde_json::Value;
use transform::{Chunk, Error, Park};

pub fn begin(resources: &[&str]) -> String {
    format!(
        r#"{{"kind":"begin","protocol":1,"run_id":"01K","environment_id":"client_1","started_at":"2026-11-22T10:15:00.000Z","mode":"full","resources":{}}}"#,
        serde_json::to_string(resources).unwrap()
    )
}

pub fn page(resource: &str, records: &[&str]) -> String {
    page_of(resource, "null", 0, records)
}

pub fn page_of(resource: &str, parent: &str, seq: usize, records: &[&str]) -> String {
    format!(
        r#"{{"kind":"page","resource":"{resource}","parent":{parent},"seq":{seq},"fetched_at":"2026-11-22T10:15:01.000Z","body":{{"object":"list","data":[{}],"list_metadata":{{"before":null,"after":null}}}}}}"#,
        records.join(",")
    )
}

pub fn done(resource: &str, pages: u64) -> String {
    format!(
        r#"{{"kind":"done","resource":"{resource}","parent":null,"status":"complete","pages":{pages},"records":0}}"#
    )
}

pub fn end() -> String {
    r#"{"kind":"end","pages":1,"records":1,"requests":1,"finished_at":"2026-11-22T10:16:00.000Z"}"#.to_owned()
}

pub fn shuffle<T>(all: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for i in (1..all.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        all.swap(i, (state >> 33) as usize % (i + 1));
    }
}

/// The row stream.
#[derive(Debug)]
pub struct Out {
    pub text: String,
    lines: Vec<Value>,
}

pub fn run(lines: &[String]) -> Out {
    try_run(lines).unwrap()
}

pub fn try_run(lines: &[String]) -> Result<Out, Error> {
    try_run_with(&lines.iter().map(|l| l.clone().into_bytes()).collect::<Vec<_>>(), 1, usize::MAX)
}

pub fn run_with(lines: &[Vec<u8>], threads: usize, budget: usize) -> Out {
    try_run_with(lines, threads, budget).unwrap()
}

/// Each line as a chunk of its own, so that several threads have something to do.
pub fn try_run_with(lines: &[Vec<u8>], threads: usize, budget: usize) -> Result<Out, Error> {
    let chunk = |(i, line): (usize, &Vec<u8>)| Ok(Chunk { first_line: i as u64 + 1, bytes: Bytes::from(line.clone()) });
    let chunks: Vec<_> = lines.iter().enumerate().map(chunk).collect();
    let text = Mutex::new(Vec::new());
    let park = Park::new(budget, Box::new(Cursor::new(Vec::new())));
    transform::run(chunks.into_iter(), threads, park, &|item| {
        row::write(&item, &mut text.lock().unwrap()).unwrap();
        true
    })?;
    let text = String::from_utf8(text.into_inner().unwrap()).unwrap();
    // The library reads neither lone surrogates nor numbers beyond its range, which the stream may hold.
    let readable = |line: &str| {
        line.replace("1e400", "1").replace(r"\\ud800", "@@").replace(r"\ud800", "?").replace("@@", r"\\ud800")
    };
    let lines = text.lines().map(|l| serde_json::from_str(&readable(l)).unwrap_or(Value::Null)).collect();
    Ok(Out { text, lines })
}

impl Out {
    fn table(line: &Value) -> String {
        let part = |name: &str| line[name].as_str().unwrap_or_default();
        if line["kind"] == "edge" {
            format!("{}/{}/{}", part("type"), part("from"), part("to"))
        } else {
            part("table").to_owned()
        }
    }

    pub fn kinds(&self) -> Vec<&str> {
        self.lines.iter().map(|l| l["kind"].as_str().unwrap()).collect()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.lines.iter().filter(|l| l["kind"] == kind).count()
    }

    pub fn lines(&self, table: &str) -> Vec<Value> {
        self.lines.iter().filter(|l| Self::table(l) == table).cloned().collect()
    }

    pub fn rows(&self, table: &str) -> Vec<Value> {
        self.lines(table).iter().map(|l| l["row"].clone()).collect()
    }

    /// The rows as they were written, byte for byte.
    pub fn raw_rows(&self, table: &str) -> Vec<&str> {
        let head = format!("{{\"kind\":\"row\",\"table\":\"{table}\",");
        let lines = self.text.lines().filter(|l| l.starts_with(&head));
        lines.map(|l| schemas::json::member(l, "row").unwrap()).collect()
    }

    pub fn edges(&self, table: &str) -> Vec<(String, String)> {
        let end = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        self.rows(table).iter().map(|r| (end(r, "source_id"), end(r, "target_id"))).collect()
    }

    pub fn dones(&self) -> Vec<&Value> {
        self.lines.iter().filter(|l| l["kind"] == "done").collect()
    }

    pub fn quarantine(&self) -> Vec<&Value> {
        self.lines.iter().filter(|l| l["kind"] == "quarantine").collect()
    }

    pub fn end(&self) -> &Value {
        self.lines.iter().find(|l| l["kind"] == "end").unwrap()
    }

    /// Rows and edges as a sorted set, without what arrival decides.
    pub fn distinct(&self) -> Vec<String> {
        let rows =
            self.text.lines().filter(|l| l.starts_with("{\"kind\":\"row\"") || l.starts_with("{\"kind\":\"edge\""));
        let mut rows: Vec<String> = rows.map(str::to_owned).collect();
        rows.sort();
        rows.dedup();
        rows
    }
}
