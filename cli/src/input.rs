//! Raw streams from files, globs and stdin, plain or zstd, as chunks of whole lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use anyhow::Context as _;
use bytes::Bytes;
use transform::Chunk;

use crate::exit::Usage;

/// A chunk's size in bytes; one line is never split.
const CHUNK: usize = 1 << 20;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The files that arguments name: each a path, `-` for stdin, or a glob, whose matches come in order of their names.
pub fn files(arguments: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for argument in arguments {
        if argument == "-" || !argument.contains(['*', '?', '[']) || std::fs::exists(argument).unwrap_or(false) {
            files.push(PathBuf::from(argument));
            continue;
        }
        let matches = glob::glob(argument).map_err(|e| Usage(format!("`{argument}` is no glob: {e}")))?;
        let before = files.len();
        for path in matches {
            files.push(path.with_context(|| format!("cannot list `{argument}`"))?);
        }
        if files.len() == before {
            return Err(Usage(format!("no file matches `{argument}`")).into());
        }
    }
    Ok(files)
}

/// The chunks of all files, one after the other; of stdin if there are none.
pub fn chunks(files: Vec<PathBuf>) -> impl Iterator<Item = io::Result<Chunk>> + Send {
    let files = if files.is_empty() { vec![PathBuf::from("-")] } else { files };
    let mut files = files.into_iter();
    let mut current: Option<(PathBuf, Lines)> = None;
    let mut line = 1;
    std::iter::from_fn(move || {
        loop {
            let Some((path, lines)) = &mut current else {
                let path = files.next()?;
                match open(&path) {
                    Ok(lines) => current = Some((path, lines)),
                    Err(error) => return Some(Err(named(&path, &error))),
                }
                continue;
            };
            match lines.next() {
                Ok(Some(bytes)) => {
                    let first_line = line;
                    line += memchr::memchr_iter(b'\n', &bytes).count() as u64 + u64::from(!bytes.ends_with(b"\n"));
                    return Some(Ok(Chunk { first_line, bytes }));
                }
                Ok(None) => current = None,
                Err(error) => return Some(Err(named(path, &error))),
            }
        }
    })
}

fn named(path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", path.display()))
}

fn open(path: &std::path::Path) -> io::Result<Lines> {
    let plain: Box<dyn Read + Send> =
        if path.as_os_str() == "-" { Box::new(io::stdin()) } else { Box::new(File::open(path)?) };
    let mut plain = BufReader::with_capacity(64 << 10, plain);
    let reader: Box<dyn Read + Send> = if plain.fill_buf()?.starts_with(&ZSTD_MAGIC) {
        Box::new(zstd::stream::read::Decoder::with_buffer(plain)?)
    } else {
        Box::new(plain)
    };
    Ok(Lines { reader, rest: Vec::new(), ended: false })
}

/// Cuts a stream of bytes between lines.
struct Lines {
    reader: Box<dyn Read + Send>,
    rest: Vec<u8>,
    ended: bool,
}

impl Lines {
    fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut buffer = Vec::with_capacity(CHUNK + self.rest.len());
        buffer.append(&mut self.rest);
        loop {
            if !self.ended {
                let wanted = CHUNK as u64;
                self.ended = (&mut self.reader).take(wanted).read_to_end(&mut buffer)? < CHUNK;
            }
            if self.ended {
                return Ok((!buffer.is_empty()).then(|| Bytes::from(buffer)));
            }
            if let Some(end) = memchr::memrchr(b'\n', &buffer) {
                self.rest.extend_from_slice(&buffer[end + 1..]);
                buffer.truncate(end + 1);
                return Ok(Some(Bytes::from(buffer)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn read(files: Vec<PathBuf>) -> Vec<(u64, String)> {
        let mut lines = Vec::new();
        for chunk in chunks(files) {
            let chunk = chunk.unwrap();
            for (line, number) in chunk.lines().zip(chunk.first_line..) {
                lines.push((number, String::from_utf8(line.to_vec()).unwrap()));
            }
        }
        lines
    }

    #[test]
    fn lines_are_whole_and_numbered_through_all_files() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(CHUNK * 2 + 7);
        let plain = dir.path().join("a.ndjson");
        std::fs::write(&plain, format!("1\n{long}\n3\n\nno line feed")).unwrap();
        let packed = dir.path().join("b.ndjson.zst");
        let mut frames = zstd::encode_all(&b"6\n7"[..], 1).unwrap();
        frames.extend(zstd::encode_all(&b"7\n"[..], 1).unwrap());
        File::create(&packed).unwrap().write_all(&frames).unwrap();

        let all = files(&[dir.path().join("*.ndjson*").display().to_string()]).unwrap();
        assert_eq!(all, [plain, packed]);
        let texts = ["1", long.as_str(), "3", "", "no line feed", "6", "77"];
        let expected: Vec<_> = (1..).zip(texts).map(|(n, t)| (n, t.to_owned())).collect();
        assert_eq!(read(all), expected);
    }

    #[test]
    fn what_is_not_there_is_named() {
        assert!(files(&["/nowhere/*.ndjson".into()]).unwrap_err().to_string().contains("/nowhere/*.ndjson"));
        let error = chunks(vec![PathBuf::from("/nowhere/x")]).next().unwrap().unwrap_err();
        assert!(error.to_string().contains("/nowhere/x"), "{error}");
    }
}
