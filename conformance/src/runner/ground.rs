//! Where fresh apps are raised.

use mock_idp::Fault;

use super::{control, options::Options, seed::seed_of, stage::Org};
use crate::{target::Config, verdict::Control};

/// Where fresh apps are raised.
#[derive(Clone, Copy)]
pub(super) struct Ground<'c> {
    pub(super) config: &'c Config,
    pub(super) options: &'c Options,
    pub(super) org: &'c Org,
}

impl Ground<'_> {
    /// An honest sign-in on a fresh app, through the hooks of these twins.
    pub(super) async fn control(self, twins: &[Fault]) -> Control {
        let stage = match self.org.fresh(self.config, self.options, twins, false).await {
            Ok(stage) => stage,
            Err(error) => return Control::Refused(error),
        };
        if let Some(problem) = &stage.start_problem {
            return Control::Refused(problem.clone());
        }
        let names: Vec<&str> = twins.iter().map(|twin| twin.id()).collect();
        let seed = seed_of(self.options.seed, format!("fresh control {}", names.join(" ")));
        let (evidence, outcome) = control::works(&stage.world, seed).await;
        stage.world.idp.behave(&stage.world.server);
        stage.close().await;
        Control::of(&evidence, &outcome)
    }
}
