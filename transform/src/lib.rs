//! From raw pages to record batches: a function of the lines it is given, without I/O of its own.
//!
//! Lines may come in any order and be worked on by several threads; the rows are the same. What a record
//! becomes is read from the catalog alone.

mod error;
mod line;
mod lookup;
mod park;
mod plan;
mod progress;
mod project;
mod run;
mod slots;
mod value;
mod worker;

pub use error::Error;
pub use park::{Park, Spill};
pub use run::{Chunk, Summary, run};
