//! The vocabulary of `workos-lake`: every resource and table declared once, the records of the two
//! streams, and the reader of JSON spans that both ends share.
//!
//! Nothing here opens a file or a socket, and nothing is asynchronous.

pub mod batch;
pub mod catalog;
pub mod credentials;
pub mod docs;
pub mod json;
pub mod row;
pub mod stream;
pub mod table;
pub mod time;
