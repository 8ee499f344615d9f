//! Ctrl-C: the first one ends the run in order, the second one at once.

use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Whether the run was interrupted.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Watches for the signal from now on.
    pub fn watch(runtime: &Runtime) -> Self {
        let (sender, receiver) = watch::channel(false);
        runtime.spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if sender.send_replace(true) {
                    std::process::exit(130);
                }
                tracing::warn!(
                    "interrupted: ending the run, or completing a commit that has begun; again to leave at once"
                );
            }
        });
        Self(receiver)
    }

    /// True after the signal.
    pub fn happened(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the signal.
    pub async fn wait(mut self) {
        // Without a sender there will be no signal.
        if self.0.wait_for(|interrupted| *interrupted).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
