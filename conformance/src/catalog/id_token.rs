//! `id-token/`: what makes an ID token valid. Each file is a stretch of the group, in the order of the catalogue.

pub(super) mod claims;
pub(super) mod content;
pub(super) mod header;
pub(super) mod proof;
