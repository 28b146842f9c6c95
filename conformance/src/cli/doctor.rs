//! `conformance doctor`: everything that comes before the first case.

use super::{
    CommandError, DoctorArgs, load,
    run::{self, Keep},
};
use crate::exit::{self, Policy};

pub(super) async fn doctor(args: DoctorArgs) -> Result<u8, CommandError> {
    let config = load(args.file.as_deref(), &args.config)?;
    let options = run::options(&config, &args.walk, Vec::new())?;
    let done = run::drive(&config, &options, Policy::default(), args.look, Keep::Not).await?;
    Ok(match done {
        None => exit::INTERRUPTED,
        Some((result, ..)) if result.aborted.is_some() => exit::NOT_JUDGED,
        Some(_) => exit::CLEAN,
    })
}
