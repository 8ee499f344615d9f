//! The lake's place, opened as an object store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

use crate::exit::Usage;

/// A lake, and how readers name it.
pub struct Lake {
    /// The store, with the lake as its root.
    pub store: Arc<dyn ObjectStore>,
    /// Its absolute path.
    pub root: String,
}

/// Opens the lake at `place`; a folder that is not there yet is made if `create` says so.
pub fn open(place: &str, create: bool) -> anyhow::Result<Lake> {
    let path = match url::Url::parse(place) {
        Ok(url) if url.scheme() == "file" => {
            url.to_file_path().map_err(|()| Usage(format!("`{place}` is no absolute path on this machine")))?
        }
        // A drive letter looks like a scheme of one character.
        Ok(url) if url.scheme().len() > 1 && place.contains("://") => {
            return Err(
                Usage(format!("cannot write to `{}://`: a lake is a path or a file:// URL", url.scheme())).into()
            );
        }
        _ => PathBuf::from(place),
    };
    if place.is_empty() {
        return Err(Usage("the lake's path is empty".to_owned()).into());
    }
    if create {
        make(&path).with_context(|| format!("cannot make the lake's folder `{}`", path.display()))?;
    }
    let root = path
        .canonicalize()
        .with_context(|| format!("no lake at `{}`: run `workos-lake pipeline` first", path.display()))?;
    let store = LocalFileSystem::new_with_prefix(&root).with_context(|| format!("cannot open `{}`", root.display()))?;
    Ok(Lake { store: Arc::new(store.with_automatic_cleanup(true).with_fsync(true)), root: root.display().to_string() })
}

/// Makes the folder, readable by its owner only: the lake holds personal data.
fn make(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
