//! Standard output that never holds a run up: a thread writes, and whoever reads slowly, or goes away, costs no result.

use std::{
    io::{self, Write},
    sync::mpsc::{Receiver, Sender, channel},
};

use tokio::sync::oneshot;

/// The writing end.
#[derive(Debug)]
pub(super) struct Output {
    sender: Option<Sender<Vec<u8>>>,
    written: oneshot::Receiver<io::Result<()>>,
}

/// A handle that renders write to.
#[derive(Clone, Debug)]
pub(super) struct Writer(Sender<Vec<u8>>);

impl Output {
    /// Begins to write to standard output.
    pub(super) fn open() -> (Self, Writer) {
        let (sender, receiver) = channel();
        let (end, written) = oneshot::channel();
        // Nobody joins it: whoever has enough of a slow reader ends the program, and this thread with it.
        let _none_then = std::thread::Builder::new()
            .name("standard output".to_owned())
            .spawn(move || end.send(write_all(&receiver)));
        let output = Self {
            sender: Some(sender.clone()),
            written,
        };
        (output, Writer(sender))
    }

    /// Returns when everything was written, or nobody reads it any more. The writers must be gone.
    ///
    /// # Errors
    /// Why it could not be written; a reader who went away is none.
    pub(super) async fn drained(mut self) -> io::Result<()> {
        self.sender.take();
        match self.written.await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

fn write_all(receiver: &Receiver<Vec<u8>>) -> io::Result<()> {
    let mut out = io::stdout();
    for bytes in receiver {
        out.write_all(&bytes)?;
        out.flush()?;
    }
    Ok(())
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Where nobody writes any more, the reason is told at the end.
        let _gone = self.0.send(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
