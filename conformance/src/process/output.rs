//! What a process prints: the last 256 KiB of it.

use std::{
    collections::VecDeque,
    io::{self, PipeReader},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mock_idp::flow::record::Stamp;
use tokio::{io::AsyncReadExt, net::unix::pipe, task::JoinHandle, time::timeout};

/// Bytes that are remembered.
const REMEMBERED: usize = 256 * 1024;
/// Lines of an excerpt: the cause of a failure stands first in a Rust or Node trace, last in a Python one.
const EXCERPT: (usize, usize) = (10, 14);
/// Characters of a line in an excerpt.
const LINE: usize = 300;

/// A pipe that is read to its end by a task, so that the writer never waits; only the end of it is remembered.
#[derive(Debug)]
pub(super) struct Output {
    ring: Arc<Mutex<Ring>>,
    task: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Ring {
    bytes: VecDeque<u8>,
    printed: u64,
    /// When each piece of what is remembered arrived, by the count of bytes before it.
    pieces: VecDeque<(u64, Stamp)>,
}

impl Output {
    pub(super) fn of(reader: PipeReader) -> io::Result<Self> {
        let mut pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        let ring = Arc::new(Mutex::new(Ring::default()));
        let shared = Arc::clone(&ring);
        let task = tokio::spawn(async move {
            let mut chunk = vec![0; 16 * 1024];
            while let Ok(count) = pipe.read(&mut chunk).await {
                if count == 0 {
                    break;
                }
                lock(&shared).push(&chunk[..count]);
                // An app that prints without end must not keep this thread from everything else.
                tokio::task::yield_now().await;
            }
        });
        Ok(Self { ring, task: Some(task) })
    }

    /// All that is remembered.
    pub(super) fn text(&self) -> String {
        self.since(0)
    }

    /// How many bytes were printed.
    pub(super) fn printed(&self) -> u64 {
        lock(&self.ring).printed
    }

    /// What was printed after the first `mark` bytes, as far as it is remembered.
    pub(super) fn since(&self, mark: u64) -> String {
        let ring = lock(&self.ring);
        let new = usize::try_from(ring.printed.saturating_sub(mark)).unwrap_or(usize::MAX);
        let from = ring.bytes.len().saturating_sub(new);
        let bytes: Vec<u8> = ring.bytes.iter().skip(from).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What was printed after the first `mark` bytes, line by line with the times of arrival.
    pub(super) fn lines_since(&self, mark: u64) -> Vec<(Stamp, String)> {
        let text = self.since(mark);
        let ring = lock(&self.ring);
        let mut at = ring.printed.saturating_sub(text.len() as u64).max(mark);
        let arrived = |offset: u64| {
            let before = ring.pieces.iter().rev().find(|(from, _)| *from <= offset);
            before
                .or(ring.pieces.front())
                .map(|(_, stamp)| *stamp)
                .unwrap_or_default()
        };
        let mut lines = Vec::new();
        for line in text.split_inclusive('\n') {
            lines.push((arrived(at), line.trim_end_matches(['\n', '\r']).to_owned()));
            at += line.len() as u64;
        }
        lines
    }

    /// The first and the last lines, for error messages. Of the frames of a stack trace only the first is shown: what was wrong
    /// stands between them, and the middle of a trace is not it.
    pub(super) fn excerpt(&self) -> String {
        let text = self.text();
        let all: Vec<&str> = text.trim_end().lines().collect();
        let is_told = |index: usize| index == 0 || !is_frame(all[index]) || !is_frame(all[index - 1]);
        let told = (0..all.len()).filter(|index| is_told(*index));
        let lines: Vec<String> = told
            .map(|index| all[index].replace('\t', "    ").chars().take(LINE).collect())
            .collect();
        let (first, last) = EXCERPT;
        if lines.len() <= first + last {
            return lines.join("\n");
        }
        let between = format!("… {} lines …", all.len() - first - last);
        [&lines[..first], &[between], &lines[lines.len() - last..]]
            .concat()
            .join("\n")
    }

    /// Returns when all of an ended process's output was read; not later than half a second, for children of it may
    /// keep the pipe open.
    pub(super) async fn drained(&mut self) {
        if let Some(task) = &mut self.task
            && timeout(Duration::from_millis(500), task).await.is_ok()
        {
            self.task = None;
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Ring {
    fn push(&mut self, chunk: &[u8]) {
        self.pieces.push_back((self.printed, Stamp::now()));
        self.printed += chunk.len() as u64;
        self.bytes.extend(chunk);
        let excess = self.bytes.len().saturating_sub(REMEMBERED);
        self.bytes.drain(..excess);
        let oldest = self.printed - self.bytes.len() as u64;
        // The last piece that began before what is remembered still says when that arrived.
        while self.pieces.get(1).is_some_and(|(from, _)| *from <= oldest) {
            self.pieces.pop_front();
        }
    }
}

fn lock(ring: &Mutex<Ring>) -> MutexGuard<'_, Ring> {
    ring.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a line is a frame of a stack trace of Java, Node or .NET, or counts such frames.
fn is_frame(line: &str) -> bool {
    let text = line.trim_start();
    let is_indented = text.len() < line.len();
    is_indented && (text.starts_with("at ") || (text.starts_with("...") && text.ends_with("frames omitted")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_remembers_the_end_and_counts_everything() {
        let mut ring = Ring::default();
        for _ in 0..40 {
            ring.push(&[b'a'; 10_000]);
        }
        ring.push(b"the end");
        assert_eq!((ring.bytes.len(), ring.printed), (REMEMBERED, 400_007));
        let output = Output {
            ring: Arc::new(Mutex::new(ring)),
            task: None,
        };
        assert!(output.text().ends_with("aathe end"));
        assert_eq!(output.since(400_000), "the end");
        assert_eq!(output.since(400_007), "");
    }

    #[test]
    fn lines_have_the_times_of_their_arrival() {
        let mut ring = Ring::default();
        ring.push(b"one\ntwo\n");
        ring.push(b"three\n");
        ring.pieces[0].1 = Stamp(10);
        ring.pieces[1].1 = Stamp(20);
        let output = Output {
            ring: Arc::new(Mutex::new(ring)),
            task: None,
        };
        let line = |at, text: &str| (Stamp(at), text.to_owned());
        assert_eq!(
            output.lines_since(0),
            [line(10, "one"), line(10, "two"), line(20, "three")]
        );
        assert_eq!(output.lines_since(8), [line(20, "three")]);
        assert_eq!(output.lines_since(14), []);
    }

    #[test]
    fn an_excerpt_has_both_ends() {
        let mut ring = Ring::default();
        for number in 0..100 {
            ring.push(format!("line {number}\n").as_bytes());
        }
        let output = Output {
            ring: Arc::new(Mutex::new(ring)),
            task: None,
        };
        let excerpt = output.excerpt();
        assert!(
            excerpt.starts_with("line 0\n") && excerpt.ends_with("line 99"),
            "{excerpt}"
        );
        assert!(excerpt.contains("line 9\n… 76 lines …\nline 86"), "{excerpt}");
    }

    #[test]
    fn an_excerpt_leaves_out_the_middle_of_a_stack_trace() {
        let mut ring = Ring::default();
        ring.push(b"Exception in thread \"main\" Outer: no bean\n");
        for number in 0..40 {
            ring.push(format!("\tat org.example.Frame.call(Frame.java:{number}) ~[frame.jar:1]\n").as_bytes());
        }
        ring.push(b"\t... 12 common frames omitted\nCaused by: Inner: no colon in a user name\n");
        for number in 0..40 {
            ring.push(format!("    at call (/app/frame.js:{number}:1)\n").as_bytes());
        }
        let output = Output {
            ring: Arc::new(Mutex::new(ring)),
            task: None,
        };
        let lines = [
            "Exception in thread \"main\" Outer: no bean",
            "    at org.example.Frame.call(Frame.java:0) ~[frame.jar:1]",
            "Caused by: Inner: no colon in a user name",
            "    at call (/app/frame.js:0:1)",
        ];
        assert_eq!(output.excerpt(), lines.join("\n"));
    }
}
