//! A small HTTP server: it notes what it is asked, and answers as the test says, faults included.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it was received.
#[derive(Debug, Clone)]
pub struct Request {
    /// Path and query, undecoded.
    pub target: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
}

impl Request {
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }
}

/// An answer, or what comes instead of one.
#[derive(Debug, Clone)]
pub enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// The connection is closed without a word.
    Dropped,
    /// The body breaks off halfway.
    Truncated(String),
}

/// 200 with that body.
pub fn ok(body: impl Into<Vec<u8>>) -> Reply {
    status(200, body)
}

/// That status with that body.
pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Answer { status, headers: Vec::new(), body: body.into() }
}

/// A list in its envelope, with the cursor of the next page.
pub fn envelope(records: &[&str], after: Option<&str>) -> Reply {
    let after = after.map_or("null".to_owned(), |a| format!("\"{a}\""));
    let records = records.join(",");
    ok(format!(r#"{{"object":"list","data":[{records}],"list_metadata":{{"before":null,"after":{after}}}}}"#))
}

/// A list of records that are nothing but these ids.
pub fn ids(ids: &[&str], after: Option<&str>) -> Reply {
    let records: Vec<String> = ids.iter().map(|id| format!(r#"{{"id":"{id}"}}"#)).collect();
    envelope(&records.iter().map(String::as_str).collect::<Vec<_>>(), after)
}

impl Reply {
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.into()));
        }
        self
    }

    fn bytes(self) -> Option<Vec<u8>> {
        let (status, headers, body, length) = match self {
            Self::Answer { status, headers, body } => (status, headers, body.clone(), body.len()),
            Self::Truncated(body) => (200, Vec::new(), body.as_bytes()[..body.len() / 2].to_vec(), body.len()),
            Self::Dropped => return None,
        };
        let headers = headers.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect::<Vec<_>>().concat();
        let mut all = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{headers}\r\n").into_bytes();
        all.extend_from_slice(&body);
        Some(all)
    }
}

/// What answers: the request, and how often its target was asked for before.
type Handler = dyn Fn(&Request, usize) -> Reply + Send + Sync;

pub struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub async fn start(handler: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let noted = requests.clone();
        let handler: Arc<Handler> = Arc::new(handler);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, handler.clone(), noted.clone()));
            }
        });
        Self { address, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Path and query of every request, in order.
    pub fn targets(&self) -> Vec<String> {
        self.requests().into_iter().map(|r| r.target).collect()
    }
}

async fn serve(mut stream: TcpStream, handler: Arc<Handler>, noted: Arc<Mutex<Vec<Request>>>) {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break end + 4;
            }
            let read = stream.read_buf(&mut buffer).await.unwrap_or(0);
            // Whoever speaks TLS would wait for an answer in kind.
            if read == 0 || !buffer.starts_with(b"GET ") {
                return;
            }
        };
        let Ok(head) = String::from_utf8(buffer.drain(..end).collect()) else { return };
        let request = parse(&head);
        let before = {
            let mut noted = noted.lock().unwrap();
            let before = noted.iter().filter(|r| r.target == request.target).count();
            noted.push(request.clone());
            before
        };
        let reply = handler(&request, before);
        let broken = matches!(reply, Reply::Truncated(_));
        let Some(bytes) = reply.bytes() else { return };
        if stream.write_all(&bytes).await.is_err() || broken {
            return;
        }
    }
}

fn parse(head: &str) -> Request {
    let mut lines = head.split("\r\n");
    let target = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let headers = lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v.to_owned())).collect();
    Request { path: path.to_owned(), query, headers, target: target.clone() }
}
