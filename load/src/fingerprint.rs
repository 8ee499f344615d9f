//! Ids and versions of objects as 128-bit hashes: sets of them stay small, whatever the ids look like.

use std::collections::HashSet;

use twox_hash::XxHash3_128;

/// Some ids of one table, or of one list's parents.
pub(crate) type Ids = HashSet<u128>;

pub(crate) fn id(id: &str) -> u128 {
    XxHash3_128::oneshot(id.as_bytes())
}

/// Hashes versions of objects.
#[derive(Debug, Default)]
pub(crate) struct Fingerprints {
    bytes: Vec<u8>,
}

impl Fingerprints {
    /// One version of the object `id` of a table.
    pub fn version(&mut self, table: &str, id: &str, version: i64, tie: u64) -> u128 {
        self.bytes.clear();
        // The separator keeps one pair of texts from looking like another; neither labels nor ids hold it.
        for part in [table, id] {
            self.bytes.extend_from_slice(part.as_bytes());
            self.bytes.push(0);
        }
        self.bytes.extend_from_slice(&version.to_le_bytes());
        self.bytes.extend_from_slice(&tie.to_le_bytes());
        XxHash3_128::oneshot(&self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let mut f = Fingerprints::default();
        let all = [
            f.version("A", "b", 1, 2),
            f.version("A", "c", 1, 2),
            f.version("Ab", "", 1, 2),
            f.version("A", "b", 2, 2),
            f.version("A", "b", 1, 3),
            f.version("B", "b", 1, 2),
        ];
        assert_eq!(HashSet::from(all).len(), all.len());
        assert_eq!(all[0], f.version("A", "b", 1, 2));
    }
}
