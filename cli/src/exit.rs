//! Exit codes, and errors as a person reads them.

use std::process::ExitCode;

use load::Error as LoadError;

/// How a command ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All of it.
    Complete,
    /// Committed, but something could not be read.
    Partial,
}

/// A wrong argument that the parser of arguments could not see.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Stopped by a signal from the terminal.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted; nothing was committed")
    }
}

impl std::error::Error for Interrupted {}

/// Prints what went wrong, and gives the exit code that stands for it.
pub fn code(result: anyhow::Result<Outcome>) -> ExitCode {
    match result {
        Ok(Outcome::Complete) => ExitCode::SUCCESS,
        Ok(Outcome::Partial) => ExitCode::from(3),
        Err(error) => {
            let message: Vec<String> = error.chain().map(ToString::to_string).collect();
            eprintln!("error: {}", message.join(": "));
            ExitCode::from(error_code(&error))
        }
    }
}

fn error_code(error: &anyhow::Error) -> u8 {
    if error.downcast_ref::<Usage>().is_some() {
        return 2;
    }
    if error.downcast_ref::<Interrupted>().is_some() {
        return 130;
    }
    match error.downcast_ref::<LoadError>() {
        Some(LoadError::Incomplete(_)) => 4,
        Some(LoadError::LostRace { .. }) => 5,
        _ => 1,
    }
}
