//! Units that do not wait.
//!
//! A thread that waits for Redis costs more than what it waits for. So what a request will ask for is read before, and it is
//! decided by the thread that received it; one script writes what came of it, if all that was decided on is still so. Whoever
//! needs more than was read, or was overtaken by another process, is decided again as a unit that waits ([`Remote::unit`]).

use std::{pin::pin, sync::Arc, time::Duration};

use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisResult, aio::MultiplexedConnection};
use tokio::time::timeout;

use super::{
    link::{ANSWER, CONNECT, reason},
    locked,
    remote::{Away, Beginning, Remote, Unit, enter},
};
use crate::flow::record::Record;

/// Whoever was paused finds that the time is over and that the answer is there, in whatever order: so long it is looked for.
const GRACE: Duration = Duration::from_millis(100);

/// Writes if these entries are as they were: so many pairs of key and text, then commands, each with the number of its words.
const CONCLUDE: &str = "
local at = 2
for _ = 1, tonumber(ARGV[1]) do
  if (redis.call('GET', ARGV[at]) or '') ~= ARGV[at + 1] then return 0 end
  at = at + 2
end
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  redis.call(unpack(ARGV, at + 1, last))
  at = last + 1
end
return 1
";

/// What was read for a unit.
pub(crate) struct ReadAhead {
    keys: Vec<String>,
    beginning: Beginning,
}

/// What is to be written of a unit that did not wait.
pub(crate) struct Conclusion {
    script: Option<Cmd>,
    records: Vec<Arc<Record>>,
}

impl Remote {
    /// Reads the entries with these keys for a unit; `None` if that has to be tried by one that waits.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub(crate) async fn read_ahead(&self, wanted: Vec<String>) -> Result<Option<ReadAhead>, Away> {
        if self.was_away() {
            return Ok(None);
        }
        let (keys, question) = self.first_question(wanted);
        match self.ask_ahead(&question).await {
            Some(Ok(beginning)) => Ok(Some(ReadAhead { keys, beginning })),
            Some(Err(_)) => Ok(None),
            None => Err(self.late()),
        }
    }

    /// Runs `work` with nothing but what was read. `None` if that was not enough: nothing came of it then.
    pub(crate) fn attempt<R>(self: &Arc<Self>, read: ReadAhead, work: impl FnOnce() -> R) -> Option<(R, Conclusion)> {
        let leave = enter(Unit::attempt(self));
        self.take_up(read.keys, read.beginning);
        let result = work();
        let (commands, records) = self.outstanding();
        let unit = leave.unit();
        if unit.broken.is_some() {
            return None;
        }
        let script = (!commands.is_empty()).then(|| conclusion(&unit.granted, &commands));
        Some((result, Conclusion { script, records }))
    }

    /// Writes what came of a unit; `false` if another process came in between.
    ///
    /// # Errors
    /// When Redis is away: nobody knows whether it was written.
    pub(crate) async fn conclude(&self, conclusion: Conclusion) -> Result<bool, Away> {
        let Some(script) = conclusion.script else {
            return Ok(true);
        };
        let is_written = match self.ask_ahead::<u8>(&script).await {
            Some(Ok(answer)) => answer == 1,
            Some(Err(why)) => {
                self.is_away(&why);
                return Err(Away(why));
            }
            None => return Err(self.late()),
        };
        if is_written {
            self.tell(conclusion.records);
        }
        Ok(is_written)
    }

    fn late(&self) -> Away {
        let why = format!("no answer within {} s", ANSWER.as_secs());
        self.is_away(&why);
        Away(why)
    }

    /// Asks by the connection that all share who do not wait; `None` if no answer came in time.
    async fn ask_ahead<T: FromRedisValue>(&self, command: &Cmd) -> Option<Result<T, String>> {
        let answer = async {
            let mut line = self.line().await?;
            command.query_async(&mut line).await
        };
        let mut answer = pin!(answer);
        for patience in [ANSWER, GRACE] {
            match timeout(patience, answer.as_mut()).await {
                Ok(Ok(answer)) => return Some(Ok(answer)),
                Ok(Err(error)) => {
                    *locked(&self.line) = None;
                    return Some(Err(reason(&error)));
                }
                Err(_) => {}
            }
        }
        *locked(&self.line) = None;
        None
    }

    async fn line(&self) -> RedisResult<MultiplexedConnection> {
        if let Some(line) = &*locked(&self.line) {
            return Ok(line.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None);
        let line = self
            .client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        *locked(&self.line) = Some(line.clone());
        Ok(line)
    }
}

fn conclusion(granted: &[(String, String)], commands: &[Cmd]) -> Cmd {
    let mut script = redis::cmd("EVAL");
    script.arg(CONCLUDE).arg(0).arg(granted.len());
    for (key, text) in granted {
        script.arg(key).arg(text);
    }
    for command in commands {
        script.arg(command.args_iter().len());
        for word in command.args_iter() {
            if let redis::Arg::Simple(word) = word {
                script.arg(word);
            }
        }
    }
    script
}
