//! Evidence as it is kept. Verdicts are decided on whole bodies; what is kept of a long one is its beginning and what stands
//! around whatever was looked for in it, so that who reads the evidence later sees why it was judged as it was.

use crate::{
    check::{
        facts::{issued, verifiers},
        pages::MARK,
    },
    evidence::{Answer, Evidence, Person},
};

/// How much of a body is kept, in bytes.
pub const KEPT: usize = 256 * 1024;

/// How much is kept on either side of something that was looked for, in bytes.
const AROUND: usize = 400;

/// So many finds are kept of one body: more of the same tell nothing.
const FINDS: usize = 50;

/// Cuts every long body of this evidence.
pub fn abridge(evidence: &mut Evidence) {
    let is_long = |answer: &Answer| matches!(answer, Answer::Http { body, .. } if body.len() > KEPT);
    let is_any_long = evidence.hops.iter().any(|hop| {
        let rendered = hop.rendered.as_ref().is_some_and(|text| text.len() > KEPT);
        is_long(&hop.response) || rendered
    });
    if !is_any_long {
        return;
    }
    let needles = needles(evidence);
    for hop in &mut evidence.hops {
        if let Answer::Http { body, .. } = &mut hop.response {
            shorten(body, &needles);
        }
        if let Some(rendered) = &mut hop.rendered {
            shorten(rendered, &needles);
        }
    }
}

/// What checks look for in pages: people's data, secrets, the mark of payloads.
fn needles(evidence: &Evidence) -> Vec<String> {
    let canaries = evidence.people.iter().flat_map(Person::canaries).map(str::to_owned);
    let tokens = issued(evidence).flat_map(|tokens| {
        [Some(tokens.access_token), tokens.id_token, tokens.refresh_token]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    let secret = evidence.target.client_secret.clone();
    let mut needles: Vec<String> = canaries
        .chain(tokens)
        .chain(verifiers(evidence))
        .chain(secret)
        .chain([MARK.to_owned()])
        .filter(|needle| !needle.is_empty())
        .collect();
    needles.sort();
    needles.dedup();
    needles
}

fn shorten(body: &mut String, needles: &[String]) {
    if body.len() <= KEPT {
        return;
    }
    let head = body.floor_char_boundary(KEPT);
    let rest = &body[head..];
    let mut finds: Vec<(usize, usize)> = needles
        .iter()
        .flat_map(|needle| rest.match_indices(needle.as_str()).take(FINDS))
        .map(|(at, find)| {
            let start = rest.floor_char_boundary(at.saturating_sub(AROUND));
            let end = rest.ceil_char_boundary((at + find.len() + AROUND).min(rest.len()));
            (start, end)
        })
        .collect();
    finds.sort_unstable();
    finds.truncate(FINDS);
    let mut kept = body[..head].to_owned();
    let mut told = 0;
    for (start, end) in finds {
        if end <= told {
            continue;
        }
        let start = start.max(told);
        if start > told {
            kept.push_str(&format!("\n[{} bytes are not kept here]\n", start - told));
        }
        kept.push_str(&rest[start..end]);
        told = end;
    }
    if told < rest.len() {
        kept.push_str(&format!("\n[{} bytes are not kept here]\n", rest.len() - told));
    }
    *body = kept;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_for_stays_with_its_surroundings() {
        let needle = "canary.of.the.user@users.example.test";
        let mut body = format!("{}<p>{needle}</p>{}", "ä".repeat(KEPT), "x".repeat(KEPT));
        let whole = body.len();
        shorten(&mut body, &[needle.to_owned(), MARK.to_owned()]);
        assert!(body.len() < KEPT + 2_000, "{} of {whole} bytes are kept", body.len());
        assert!(body.contains(&format!("<p>{needle}</p>")));
        assert_eq!(body.matches("bytes are not kept here").count(), 2);
    }

    #[test]
    fn short_bodies_stay_whole() {
        let mut body = "x".repeat(KEPT);
        shorten(&mut body, &["x".to_owned()]);
        assert_eq!(body.len(), KEPT);
    }
}
