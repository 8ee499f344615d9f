//! Records that wait for a look-up: in memory up to a budget, then in a spill file that the caller hands over.

use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use schemas::stream::ParentIds;

/// What a spill file must be able to do.
pub trait Spill: Read + Write + Seek + Send {}

impl<T: Read + Write + Seek + Send> Spill for T {}

/// A record that waits, with what its page says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    pub resource: usize,
    pub parent: Option<ParentIds>,
    pub line: u64,
    pub index: u64,
    /// Microseconds since 1970 UTC.
    pub fetched_at: i64,
    pub record: String,
}

/// Where waiting records are kept.
pub struct Park {
    budget: usize,
    held: Vec<Parked>,
    bytes: usize,
    spill: BufWriter<Box<dyn Spill>>,
    spilled: u64,
}

impl std::fmt::Debug for Park {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Park").field("held", &self.held.len()).field("spilled", &self.spilled).finish_non_exhaustive()
    }
}

impl Park {
    /// Keeps up to `budget` bytes of records in memory and the rest in `spill`, an empty file.
    #[must_use]
    pub fn new(budget: usize, spill: Box<dyn Spill>) -> Self {
        Self { budget, held: Vec::new(), bytes: 0, spill: BufWriter::new(spill), spilled: 0 }
    }

    pub(crate) fn push(&mut self, parked: Parked) -> io::Result<()> {
        let size = parked.record.len() + size_of::<Parked>();
        if self.bytes + size <= self.budget {
            self.bytes += size;
            self.held.push(parked);
            return Ok(());
        }
        self.spilled += 1;
        write(&mut self.spill, &parked)
    }

    /// Gives back every record; the park is empty afterwards.
    pub(crate) fn drain<E>(
        mut self,
        mut each: impl FnMut(Parked) -> Result<(), E>,
        failed: impl Fn(io::Error) -> E,
    ) -> Result<(), E> {
        for parked in self.held.drain(..) {
            each(parked)?;
        }
        let mut reader = self.spill.into_inner().map_err(io::IntoInnerError::into_error).map_err(&failed)?;
        reader.seek(SeekFrom::Start(0)).map_err(&failed)?;
        let mut reader = BufReader::new(reader);
        for _ in 0..self.spilled {
            each(read(&mut reader).map_err(&failed)?)?;
        }
        Ok(())
    }
}

fn write(out: &mut impl Write, parked: &Parked) -> io::Result<()> {
    let parent = serde_json::to_vec(&parked.parent)?;
    for number in [
        parked.resource as u64,
        parked.line,
        parked.index,
        parked.fetched_at.cast_unsigned(),
        parent.len() as u64,
        parked.record.len() as u64,
    ] {
        out.write_all(&number.to_le_bytes())?;
    }
    out.write_all(&parent)?;
    out.write_all(parked.record.as_bytes())
}

fn read(input: &mut impl Read) -> io::Result<Parked> {
    let mut numbers = [0; 6];
    for number in &mut numbers {
        let mut bytes = [0; 8];
        input.read_exact(&mut bytes)?;
        *number = u64::from_le_bytes(bytes);
    }
    let [resource, line, index, fetched_at, parent, record] = numbers;
    let mut bytes = vec![0; parent as usize];
    input.read_exact(&mut bytes)?;
    let parent = serde_json::from_slice(&bytes)?;
    let mut bytes = vec![0; record as usize];
    input.read_exact(&mut bytes)?;
    let record = String::from_utf8(bytes).map_err(io::Error::other)?;
    Ok(Parked { resource: resource as usize, parent, line, index, fetched_at: fetched_at.cast_signed(), record })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_parked_comes_back_from_memory_and_file() {
        let parked = |i: u64| Parked {
            resource: 3,
            parent: (i.is_multiple_of(2))
                .then(|| ParentIds::from([("organization_id".to_owned(), format!("org_{i}"))])),
            line: i,
            index: 99,
            fetched_at: -5,
            record: "{\"é\":1}".repeat(i as usize),
        };
        for budget in [0, 400, usize::MAX / 2] {
            let mut park = Park::new(budget, Box::new(io::Cursor::new(Vec::new())));
            for i in 0..20 {
                park.push(parked(i)).unwrap();
            }
            assert_eq!(park.spilled == 0, budget > 400);
            let mut back = Vec::new();
            park.drain(
                |p| {
                    back.push(p);
                    Ok(())
                },
                |e| e,
            )
            .unwrap();
            assert_eq!(back, (0..20).map(parked).collect::<Vec<_>>());
        }
    }
}
