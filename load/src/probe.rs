//! Whether a store honours "create if absent", on which commits rest.

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};

use crate::error::Error;
use crate::manifest::FOLDER;

/// Puts an object twice: a store that honours the condition refuses the second. Some S3-compatible servers do not know it and
/// overwrite.
pub(crate) async fn creates_only_if_absent(store: &dyn ObjectStore, load_id: &str) -> Result<bool, Error> {
    let path = Path::from(format!("{FOLDER}/.probe-{load_id}"));
    let put = || store.put_opts(&path, PutPayload::from_static(b"probe"), PutOptions::from(PutMode::Create));
    let failed = |what, source| Error::Store { what, path: path.to_string(), source };
    let first = put().await;
    let second = match first {
        // The answer to an earlier try of the same request may have been lost.
        Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => put().await.map(drop),
        Err(e) => Err(e),
    };
    let removed = store.delete(&path).await;
    match second {
        Err(object_store::Error::AlreadyExists { .. }) => {
            removed.map_err(|source| failed("remove", source))?;
            Ok(true)
        }
        Ok(()) | Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
            Ok(false)
        }
        Err(source) => Err(failed("write", source)),
    }
}
