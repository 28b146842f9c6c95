//! The key set (RFC 7517 §5).

use crate::{
    delivery,
    endpoint::answer::{self, Answered},
    exchange::Exchange,
    flow::fault::Message,
    flow::tamper,
    idp::with_context,
};

/// Okta's `max-age` shrinks toward the next rotation, some 45 days ahead; ours is that of a fresh key.
const MAX_AGE: u64 = 3_885_115;

/// `GET {as}/v1/keys`
pub(crate) fn published(exchange: &mut Exchange) -> Answered {
    let server = exchange.server()?;
    let honest = answer::cacheable(server.key_set(), MAX_AGE);
    let faults: Vec<_> = server
        .faults
        .iter()
        .copied()
        .filter(|fault| fault.message() == Message::Jwks)
        .collect();
    let mut reply = honest;
    if !faults.is_empty() {
        let honest = reply.clone();
        with_context(&exchange.idp, &server, None, None, |context| {
            for fault in &faults {
                tamper::jwks(&mut reply, *fault, context);
            }
        });
        exchange.sent(&faults, &delivery::rendering(&honest), &delivery::rendering(&reply));
    }
    Ok(reply)
}
