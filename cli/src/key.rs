//! Where the API key comes from; never an argument, which every process on the machine can read.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;

use crate::exit::Usage;

/// The key from `file`, or from the environment.
pub fn read(file: Option<&Path>) -> anyhow::Result<extract::Key> {
    let text = match file {
        Some(path) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read the API key from stdin")?;
            text
        }
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the API key from `{}`", path.display()))?,
        None => ["WORKOS_API_KEY", "WORKOS_TOKEN"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.trim().is_empty())
            .ok_or_else(|| Usage("no API key: set WORKOS_API_KEY, or name a file with --api-key-file".to_owned()))?,
    };
    Ok(extract::Key::new(&text).map_err(|e| Usage(e.to_string()))?)
}
